//! What pages share: who has signed in by cookie, what a form sent, and how a page is made.
//!
//! A form of a signed-in person carries a word that another site cannot know, and [`Sent`] is the only way to a posted
//! form of such a person: it cannot be had without the word. Every post is asked for its origin as well.

use crate::access::answer::UNREADABLE;
use crate::access::{By, PageToken, Rank, Visit, cookie};
use crate::base::error::{Error, Result};
use crate::base::vault::sha256;
use crate::base::{Kind, Random, Refusal};
use crate::domain::identity::idempotency::KEY_REUSED;
use askama::Template;
use entity::Id;
use entity::file::FilePurpose;
use poem::http::{StatusCode, header};
use poem::web::{Html, Multipart};
use poem::{FromRequest, IntoResponse as _, Request, RequestBody, Response};

/// A form that was not sent from a page of ours.
pub(super) const FOREIGN_FORM: Refusal =
    Refusal::new(Kind::Forbidden, "foreign_form", "这个操作不是从本站页面发出的，没有执行。请重新打开页面再试。");

/// What every page shows around its own.
pub(super) struct Frame {
    pub(super) centre: String,
    pub(super) phone: String,
    pub(super) address: String,
    pub(super) staff: Option<StaffFrame>,
}

/// The signed-in member of staff, for the head of the page.
pub(super) struct StaffFrame {
    pub(super) name: String,
    pub(super) word: String,
}

impl Frame {
    /// For anybody.
    pub(super) fn of(visit: &Visit) -> Self {
        let centre = &visit.centre;
        Self { centre: centre.name.clone(), phone: centre.phone.clone(), address: centre.address.clone(), staff: None }
    }

    /// For a member of staff.
    pub(super) fn of_staff<R: Rank>(by: &By<R>) -> Self {
        let name = match &by.who {
            crate::domain::Who::Staff(member) => member.name.clone(),
            _ => String::new(),
        };
        Self { staff: Some(StaffFrame { name, word: word(by) }), ..Self::of(&by.visit) }
    }
}

/// The hidden word of this person's forms.
pub(super) fn word<R: Rank>(by: &By<R>) -> String {
    PageToken::form_word(&by.visit.app.vault, by.session.id)
}

/// A page.
pub(super) fn page(template: &impl Template) -> poem::Result<Response> {
    let html = template.render().map_err(|e| Error::from(anyhow::Error::from(e)))?;
    Ok(Html(html).into_response())
}

/// On to another page, by GET.
pub(super) fn go_to(place: &str) -> Response {
    Response::builder().status(StatusCode::SEE_OTHER).header(header::LOCATION, place).finish()
}

/// A place on this site to go to next, or home: never another site's address.
pub(super) fn local(next: &str) -> &str {
    // Browsers pass over control characters: `/\t/evil` is `//evil` to them.
    let stays =
        next.starts_with('/') && !next.starts_with("//") && !next.contains(|c: char| c == '\\' || c.is_control());
    if stays { next } else { "/" }
}

/// The two cookies: a clerk may be a resident too.
#[derive(Clone, Copy)]
pub(super) enum Jar {
    Resident,
    Staff,
}

impl Jar {
    const fn name(self) -> &'static str {
        match self {
            Self::Resident => "shuitian_resident",
            Self::Staff => "shuitian_staff",
        }
    }

    fn for_path(path: &str) -> Self {
        let staff = ["/staff", "/bulletins", "/hall"].iter().any(|p| path.starts_with(p));
        if staff { Self::Staff } else { Self::Resident }
    }
}

/// Adds a cookie that scripts cannot read and other sites' forms do not bring.
pub(super) fn keep(response: Response, visit: &Visit, name: &str, value: &str, seconds: i64) -> Response {
    let secure = if visit.app.rules.public_url.starts_with("https://") { "; Secure" } else { "" };
    let cookie = format!("{name}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}");
    response.with_header(header::SET_COOKIE, cookie).into_response()
}

/// Keeps a session.
pub(super) fn keep_session(response: Response, visit: &Visit, jar: Jar, token: &PageToken, seconds: i64) -> Response {
    keep(response, visit, jar.name(), &token.0, seconds)
}

/// Forgets a session.
pub(super) fn forget_session(response: Response, visit: &Visit, jar: Jar) -> Response {
    keep(response, visit, jar.name(), "", 0)
}

async fn by_cookie<R: Rank>(req: &Request) -> Result<By<R>> {
    let jar = Jar::for_path(req.original_uri().path());
    let token = cookie(req.headers(), jar.name()).ok_or(crate::domain::identity::session::NOT_SIGNED_IN)?;
    By::by_cookie(req, token).await
}

/// Someone of a rank who looks at a page.
pub(super) struct Someone<R: Rank>(pub(super) By<R>);

impl<'a, R: Rank> FromRequest<'a> for Someone<R> {
    async fn from_request(req: &'a Request, _: &mut RequestBody) -> poem::Result<Self> {
        Ok(Self(by_cookie(req).await?))
    }
}

/// Someone of a rank, or nobody: a page that shows more to the one.
pub(super) struct Maybe<R: Rank>(pub(super) Option<By<R>>);

impl<'a, R: Rank> FromRequest<'a> for Maybe<R> {
    async fn from_request(req: &'a Request, _: &mut RequestBody) -> poem::Result<Self> {
        match by_cookie(req).await {
            Ok(by) => Ok(Self(Some(by))),
            Err(Error::Refused(_)) => Ok(Self(None)),
            Err(fault) => Err(fault.into()),
        }
    }
}

/// What a form sent, by name.
#[derive(Default)]
pub(super) struct Fields(Vec<(String, String)>);

impl Fields {
    /// A form of which one field is known.
    pub(super) fn with(name: &str, value: Option<String>) -> Self {
        Self(value.map(|value| (name.to_owned(), value)).into_iter().collect())
    }

    /// One field; empty if it was not sent.
    pub(super) fn get(&self, name: &str) -> &str {
        self.0.iter().find(|(n, _)| n == name).map_or("", |(_, v)| v.trim())
    }

    /// One field, if something was typed.
    pub(super) fn typed(&self, name: &str) -> Option<String> {
        Some(self.get(name)).filter(|v| !v.is_empty()).map(ToOwned::to_owned)
    }

    /// The whole form as one text, by which a second sending is known. Its hidden word is not part of it.
    pub(super) fn request(&self) -> String {
        let fields = self.0.iter().filter(|(name, _)| name != "w");
        fields.map(|(name, value)| format!("{name}={value}\n")).collect()
    }

    /// The same of a form with files: with other files it is another form.
    pub(super) fn request_with(&self, files: &[Upload]) -> String {
        let given = files.iter().map(|f| format!("{}={}", f.field, hex::encode(&sha256(&f.bytes).0)));
        self.request() + &given.collect::<Vec<_>>().join("\n")
    }

    /// The key of a form that is sent once: the one it was sent with, or a new one.
    pub(super) fn once(&self, random: &Random) -> String {
        self.typed("once").unwrap_or_else(|| random.word(16))
    }

    /// Says a field, whatever was sent of it.
    pub(super) fn put(&mut self, name: &str, value: String) {
        self.0.retain(|(known, _)| known != name);
        self.0.push((name.to_owned(), value));
    }

    /// All fields of a name.
    pub(super) fn all(&self, name: &str) -> Vec<String> {
        self.0.iter().filter(|(n, _)| n == name).map(|(_, v)| v.clone()).collect()
    }

    /// An id.
    pub(super) fn id(&self, name: &str) -> Option<Id> {
        Id::parse_str(self.get(name)).ok()
    }
}

impl<'a> FromRequest<'a> for Fields {
    async fn from_request(req: &'a Request, body: &mut RequestBody) -> poem::Result<Self> {
        ensure_ours(req)?;
        let bytes = body.take()?.into_bytes().await?;
        let fields = form_urlencoded::parse(&bytes).into_owned().map(|(name, value)| (name, plain_lines(value)));
        let fields: Vec<(String, String)> = fields.collect();
        // No keyboard types one, and PostgreSQL cannot keep it.
        if fields.iter().any(|(_, value)| value.contains('\0')) {
            return Err(Error::from(UNREADABLE).into());
        }
        Ok(Self(fields))
    }
}

/// Browsers end a line by two characters; what is sent back as it was shown is what it was.
fn plain_lines(value: String) -> String {
    if value.contains('\r') { value.replace("\r\n", "\n") } else { value }
}

/// A browser says where a post comes from.
fn ensure_ours(req: &Request) -> Result<()> {
    let host = req.header(header::HOST);
    let foreign = match (req.header("sec-fetch-site"), req.header(header::ORIGIN)) {
        (Some(site), _) => !matches!(site, "same-origin" | "none"),
        (None, Some(origin)) => origin.split_once("://").map(|(_, host)| host) != host,
        (None, None) => false,
    };
    if foreign { Err(FOREIGN_FORM.into()) } else { Ok(()) }
}

/// A form that someone of a rank sent from a page of his own session.
pub(super) struct Sent<R: Rank> {
    pub(super) by: By<R>,
    pub(super) fields: Fields,
}

impl<'a, R: Rank> FromRequest<'a> for Sent<R> {
    async fn from_request(req: &'a Request, body: &mut RequestBody) -> poem::Result<Self> {
        let by = by_cookie(req).await?;
        let fields = Fields::from_request(req, body).await?;
        if !crate::base::vault::same(fields.get("w").as_bytes(), word(&by).as_bytes()) {
            return Err(Error::from(FOREIGN_FORM).into());
        }
        Ok(Self { by, fields })
    }
}

/// A form with files, by someone of a rank, from a page of his own session.
pub(super) struct SentFile<R: Rank> {
    pub(super) by: By<R>,
    pub(super) fields: Fields,
    /// Those that were chosen.
    pub(super) files: Vec<Upload>,
}

/// A file of a form.
#[derive(Default)]
pub(super) struct Upload {
    /// Name of its field.
    pub(super) field: String,
    /// Its own name.
    pub(super) name: String,
    pub(super) bytes: Vec<u8>,
}

/// Keeps the files of a form first: what was given is not lost because something else is wrong. A file in the field `file7` stands in
/// the fields from now on, as `kept7` and `named7`.
pub(super) async fn keep_files<R: Rank>(by: &By<R>, fields: &mut Fields, files: Vec<Upload>) -> Result<()> {
    for Upload { field, name, bytes } in files {
        let Some(n) = field.strip_prefix("file") else { continue };
        by.visit.limit_uploads(&by.who).await?;
        let (app, centre) = (&by.visit.app, &by.visit.centre);
        let kept = app.keep_file(centre, by.who.clone(), FilePurpose::Material, &name, bytes).await;
        let kept = kept.map_err(|error| match error {
            Error::Refused(mut refused) => {
                refused.message = format!("“{name}”：{}", refused.message).into();
                Error::Refused(refused)
            }
            fault => fault,
        })?;
        fields.put(&format!("kept{n}"), kept.id.to_string());
        fields.put(&format!("named{n}"), name);
    }
    Ok(())
}

impl<'a, R: Rank> FromRequest<'a> for SentFile<R> {
    async fn from_request(req: &'a Request, body: &mut RequestBody) -> poem::Result<Self> {
        // A form in which a file may be left out is sent without one by a program.
        if req.content_type().is_some_and(|kind| kind.starts_with("application/x-www-form-urlencoded")) {
            let Sent { by, fields } = Sent::from_request(req, body).await?;
            return Ok(Self { by, fields, files: Vec::new() });
        }
        let by = by_cookie(req).await?;
        ensure_ours(req)?;
        let unreadable = |_| poem::Error::from(Error::from(UNREADABLE));
        let mut form = Multipart::from_request(req, body).await.map_err(unreadable)?;
        let (mut fields, mut files) = (Vec::new(), Vec::new());
        while let Some(field) = form.next_field().await.map_err(|_| Error::from(UNREADABLE))? {
            let of = field.name().unwrap_or_default().to_owned();
            if let Some(name) = field.file_name().map(ToOwned::to_owned) {
                let bytes = field.bytes().await.map_err(|_| Error::from(UNREADABLE))?;
                // A field in which nothing was chosen is sent too.
                if !(name.is_empty() && bytes.is_empty()) {
                    files.push(Upload { field: of, name, bytes });
                }
            } else {
                let value = field.text().await.map_err(|_| Error::from(UNREADABLE))?;
                if value.contains('\0') {
                    return Err(Error::from(UNREADABLE).into());
                }
                fields.push((of, plain_lines(value)));
            }
        }
        let fields = Fields(fields);
        if !crate::base::vault::same(fields.get("w").as_bytes(), word(&by).as_bytes()) {
            return Err(Error::from(FOREIGN_FORM).into());
        }
        Ok(Self { by, fields, files })
    }
}

/// The words of a refusal, for the top of a form; a fault goes on its way.
pub(super) fn words(error: Error) -> Result<String> {
    match error {
        Error::Refused(refused) => {
            let article = refused.refusal.article.map(|article| format!("（依据管理办法 {article}）"));
            let wait = refused.retry_after.map(|wait| match wait.num_seconds() + 1 {
                seconds @ ..120 => format!("约{seconds}秒后可以再试。"),
                seconds @ ..7200 => format!("约{}分钟后可以再试。", (seconds + 59) / 60),
                seconds => format!("约{}小时后可以再试。", (seconds + 3599) / 3600),
            });
            Ok([Some(refused.message.into_owned()), article, wait].into_iter().flatten().collect())
        }
        fault => Err(fault),
    }
}

/// The words of a refusal for a form that is sent once. Where its key was used up by a form that said something else, such
/// as by going back in the browser, the key is dropped, so that the next press is a new one.
pub(super) fn words_once(error: Error, fields: &mut Fields) -> Result<String> {
    if matches!(&error, Error::Refused(refused) if refused.refusal.code == KEY_REUSED.code) {
        fields.0.retain(|(name, _)| name != "once");
        return Ok("这张表已经提交过，但内容不同。如果是另一件事，请核对后再提交一次。".to_owned());
    }
    words(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_place_is_never_another_site() {
        assert_eq!(local("/bookings?x=1"), "/bookings?x=1");
        for away in [
            "https://evil.example",
            "//evil.example",
            "/\\evil.example",
            "",
            "evil",
            "/a\r\nSet-Cookie: x",
            "/\t/evil.example",
        ] {
            assert_eq!(local(away), "/", "{away}");
        }
    }
}
