//! Ranks (权限): the ladder of permission as types. A door's signature says who may pass, and what it is handed is already
//! permitted: `who: By<Director>` cannot be had by anybody else.

use super::token::{self, Audience};
use super::visit::Visit;
use super::{FORBIDDEN, OTHER_CENTRE};
use crate::base::error::{Error, Result};
use crate::domain::case::Sight;
use crate::domain::identity::session::{self, NOT_SIGNED_IN, Standing};
use crate::domain::identity::staff::MUST_CHANGE;
use crate::domain::{StaffMember, Who};
use entity::Id;
use entity::identity::Role;
use poem::http::header::AUTHORIZATION;
use poem::{Request, RequestBody};
use poem_openapi::registry::{MetaSecurityScheme, Registry};
use poem_openapi::{ApiExtractor, ApiExtractorType, ExtractParamOptions};
use std::sync::Arc;

/// A rank of permission.
pub trait Rank {
    /// Its word in the document of the interface.
    const NAME: &'static str;
    /// Who holds it, in words.
    const ABOUT: &'static str;
    /// It may be used before a first password was changed.
    const BEFORE_CHANGE: bool = false;
    /// What a door is handed.
    type Holder: Send + Sync;

    /// The holder, if this one is permitted.
    fn admit(who: Who) -> Option<Self::Holder>;
}

/// Declares a rank that some roles of staff hold.
macro_rules! staff_rank {
    ($(#[$meta:meta])* $name:ident, $word:literal, $about:literal, [$($role:ident),*]) => {
        $(#[$meta])*
        #[derive(Debug)]
        pub struct $name;
        impl Rank for $name {
            const NAME: &'static str = $word;
            const ABOUT: &'static str = $about;
            type Holder = Arc<StaffMember>;
            fn admit(who: Who) -> Option<Arc<StaffMember>> {
                match who {
                    Who::Staff(staff) if staff.is_any(&[$(Role::$role),*]) => Some(staff),
                    _ => None,
                }
            }
        }
    };
}

/// Declares a rank that residents and some roles of staff hold.
macro_rules! party {
    ($(#[$meta:meta])* $name:ident, $word:literal, $about:literal, $staff:ident) => {
        $(#[$meta])*
        #[derive(Debug)]
        pub struct $name;
        impl Rank for $name {
            const NAME: &'static str = $word;
            const ABOUT: &'static str = $about;
            type Holder = Who;
            fn admit(who: Who) -> Option<Who> {
                match who {
                    Who::Resident(_) => Some(who),
                    _ => $staff::admit(who).map(Who::Staff),
                }
            }
        }
    };
}

/// Whoever has signed in.
#[derive(Debug)]
pub struct Signed;

impl Rank for Signed {
    const NAME: &'static str = "signed";
    const ABOUT: &'static str = "任何已登录的人";
    const BEFORE_CHANGE: bool = true;
    type Holder = Who;

    fn admit(who: Who) -> Option<Who> {
        Some(who)
    }
}

/// A resident.
#[derive(Debug)]
pub struct Resident;

impl Rank for Resident {
    const NAME: &'static str = "resident";
    const ABOUT: &'static str = "群众";
    type Holder = Id;

    fn admit(who: Who) -> Option<Id> {
        who.account()
    }
}

/// Any member of staff.
#[derive(Debug)]
pub struct Staff;

impl Rank for Staff {
    const NAME: &'static str = "staff";
    const ABOUT: &'static str = "中心任何工作人员";
    type Holder = Arc<StaffMember>;

    fn admit(who: Who) -> Option<Arc<StaffMember>> {
        match who {
            Who::Staff(staff) => Some(staff),
            _ => None,
        }
    }
}

staff_rank!(
    /// The windows, and the director.
    WindowStaff, "window_staff", "窗口人员、中心主任", [Window, Director]
);
staff_rank!(
    /// Whoever handles cases.
    CaseHandler, "case_handler", "窗口人员、承办科室人员和负责人、中心主任", [Window, Office, OfficeHead, Director]
);
staff_rank!(
    /// Whoever may see cases; which ones, the domain decides.
    CaseReader, "case_reader", "窗口、承办科室、监督窗口人员，中心主任，乡领导",
    [Window, Office, OfficeHead, Director, Leader, SupervisionWindow]
);
staff_rank!(
    /// Whoever compiles guides; heads for their offices (article 4.4).
    GuideEditor, "guide_editor", "窗口、监督窗口人员，科室负责人（本科室事项），中心主任",
    [Window, OfficeHead, Director, SupervisionWindow]
);
staff_rank!(
    /// Whoever reads what phones answered; which of it, the domain decides.
    ReplyAttendant, "reply_attendant", "窗口、监督窗口人员，中心主任", [Window, SupervisionWindow, Director]
);
staff_rank!(
    /// Whoever sees to bad reviews; which ones, the domain decides.
    Rectifier, "rectifier", "科室负责人（本科室）、监督窗口人员、中心主任；本人经办的除外",
    [OfficeHead, SupervisionWindow, Director]
);
staff_rank!(
    /// The director of the centre.
    Director, "director", "中心主任", [Director]
);
staff_rank!(
    /// Heads of offices for their own, and the director.
    OfficeHead, "office_head", "科室负责人（本科室）、中心主任", [OfficeHead, Director]
);
staff_rank!(
    /// The leaders of the township.
    Leader, "leader", "乡领导", [Leader]
);
staff_rank!(
    /// Whoever rules on leave: the director, and on his the leaders.
    LeaveRuler, "leave_ruler", "中心主任、乡领导", [Director, Leader]
);
staff_rank!(
    /// Whoever may read drafts of bulletins, and the names in their figures.
    BulletinReader, "bulletin_reader", "中心主任、乡领导", [Director, Leader]
);
party!(
    /// Whoever may give files.
    FileGiver, "file_giver", "群众、任何工作人员", Staff
);
party!(
    /// A resident, or the windows for him.
    BookingParty, "booking_party", "群众（本人的预约）、窗口人员、中心主任", WindowStaff
);
party!(
    /// A resident, or whoever handles cases: a receipt shows a name and a check code.
    ReceiptParty, "receipt_party", "群众（本人的办件）、窗口人员、承办科室人员和负责人、中心主任", CaseHandler
);
party!(
    /// A resident, or whoever may see cases.
    CaseParty, "case_party", "群众（本人的办件）；窗口、承办科室、监督窗口人员，中心主任，乡领导", CaseReader
);

/// Someone of a rank, and his visit.
pub struct By<R: Rank> {
    /// The visit.
    pub visit: Visit,
    /// What the rank hands over.
    pub holder: R::Holder,
    /// The same person, for acts.
    pub who: Who,
    /// His session.
    pub session: Standing,
}

impl<R: Rank> By<R> {
    /// What he may see of cases, and under which posts he acts there.
    ///
    /// # Errors
    /// `not_signed_in` for whoever is neither resident nor staff, `no_account`.
    pub async fn sight(&self) -> Result<Sight> {
        let app = &self.visit.app;
        Sight::of(app.read(), &app.vault, &self.visit.centre, &self.who, app.clock.now()).await
    }

    /// Refuses whoever has not another rank too.
    ///
    /// # Errors
    /// `forbidden`.
    pub fn ensure<Other: Rank>(&self) -> Result<Other::Holder> {
        Ok(Other::admit(self.who.clone()).ok_or(FORBIDDEN)?)
    }

    /// Reads the Authorization header.
    pub(super) async fn of(req: &Request) -> Result<Self> {
        let header = req.headers().get(AUTHORIZATION).and_then(|v| v.to_str().ok());
        let bearer = header.and_then(|h| h.strip_prefix("Bearer ").or_else(|| h.strip_prefix("bearer ")));
        Self::holding(req, Audience::Api, bearer.ok_or(NOT_SIGNED_IN)?).await
    }

    /// Reads the value of a page's cookie.
    ///
    /// # Errors
    /// `not_signed_in`, `session_ended`, `other_centre`, `must_change_password`, `forbidden`.
    pub async fn by_cookie(req: &Request, cookie: &str) -> Result<Self> {
        Self::holding(req, Audience::Page, cookie).await
    }

    async fn holding(req: &Request, to: Audience, token: &str) -> Result<Self> {
        let app = Visit::app(req)?;
        let now = app.clock.now();
        let claims = token::read(&app.vault, to, token, now)?;
        let session = session::standing(app.read(), claims.cen, claims.sid, now).await?;
        let published = app.published_in(session.edition).await?;
        let visit = Visit::among(req, app, &published, Some(claims.cen))?;
        if visit.centre.id != claims.cen {
            return Err(OTHER_CENTRE.into());
        }
        if session.must_change && !R::BEFORE_CHANGE {
            return Err(MUST_CHANGE.into());
        }
        let who = session.who.clone();
        let holder = R::admit(who.clone()).ok_or(FORBIDDEN)?;
        Ok(Self { visit, holder, who, session })
    }
}

/// Someone of a rank, or anybody else: for doors that show more to the one than to the other.
pub enum Perhaps<R: Rank> {
    /// Nobody has signed in, or somebody who is not of the rank.
    Stranger(Visit),
    /// Someone of the rank.
    Known(Box<By<R>>),
}

impl<R: Rank> Perhaps<R> {
    /// The visit.
    #[must_use]
    pub const fn visit(&self) -> &Visit {
        match self {
            Self::Stranger(visit) => visit,
            Self::Known(by) => &by.visit,
        }
    }
}

fn register<R: Rank>(registry: &mut Registry) {
    registry.create_security_scheme(
        R::NAME,
        MetaSecurityScheme {
            ty: "http",
            description: Some(R::ABOUT),
            name: None,
            key_in: None,
            scheme: Some("bearer"),
            bearer_format: Some("JWT"),
            flows: None,
            openid_connect_url: None,
        },
    );
}

impl<'a, R: Rank> ApiExtractor<'a> for By<R> {
    const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::SecurityScheme];
    type ParamType = ();
    type ParamRawType = ();

    fn register(registry: &mut Registry) {
        register::<R>(registry);
    }

    fn security_schemes() -> Vec<&'static str> {
        vec![R::NAME]
    }

    async fn from_request(req: &'a Request, _: &mut RequestBody, _: ExtractParamOptions<()>) -> poem::Result<Self> {
        Self::of(req).await.map_err(poem::Error::from)
    }
}

impl<'a, R: Rank> ApiExtractor<'a> for Perhaps<R> {
    const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::SecurityScheme];
    type ParamType = ();
    type ParamRawType = ();

    fn register(registry: &mut Registry) {
        register::<R>(registry);
    }

    fn security_schemes() -> Vec<&'static str> {
        vec![R::NAME]
    }

    fn has_security_fallback() -> bool {
        true
    }

    async fn from_request(req: &'a Request, _: &mut RequestBody, _: ExtractParamOptions<()>) -> poem::Result<Self> {
        let of = async || -> Result<Self, Error> {
            if !req.headers().contains_key(AUTHORIZATION) {
                return Ok(Self::Stranger(Visit::of(req).await?));
            }
            let signed = By::<Signed>::of(req).await?;
            Ok(match R::admit(signed.who.clone()).filter(|_| !signed.session.must_change) {
                Some(holder) => {
                    let By { visit, who, session, .. } = signed;
                    Self::Known(Box::new(By { visit, holder, who, session }))
                }
                // An app sends its token everywhere; what is open to strangers is open to whoever has signed in.
                None => Self::Stranger(signed.visit),
            })
        };
        of().await.map_err(poem::Error::from)
    }
}
