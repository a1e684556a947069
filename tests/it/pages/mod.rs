//! Web pages: what a browser may do, and what another site may not make it do.

use crate::person::Answer;
use crate::town::Town;
use reqwest::header::HeaderMap;
use shuitian::demo;

mod application;
mod door;
mod fair;
mod guide;
mod material;
mod matter;
mod post;
mod window;

/// A browser: it keeps cookies and says where its forms come from.
pub struct Browser<'t> {
    town: &'t Town,
    cookies: std::sync::Mutex<std::collections::BTreeMap<String, String>>,
}

impl<'t> Browser<'t> {
    pub fn new(town: &'t Town) -> Self {
        Self { town, cookies: std::sync::Mutex::default() }
    }

    pub async fn send(&self, path: &str, form: Option<&[(&str, &str)]>, headers: &[(&'static str, &str)]) -> Answer {
        let url = format!("{}{path}", self.town.url);
        let mut request = match form {
            Some(form) => self.town.web.post(url).form(form),
            None => self.town.web.get(url),
        };
        request = request.header("cookie", self.cookies());
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let answer = Answer::of(request.send().await.unwrap()).await;
        self.keep(&answer.headers);
        answer
    }

    /// The cookies that it keeps, as it sends them.
    pub fn cookies(&self) -> String {
        let cookies = self.cookies.lock().unwrap();
        cookies.iter().map(|(k, v)| format!("{k}={v}")).collect::<Vec<_>>().join("; ")
    }

    fn keep(&self, headers: &HeaderMap) {
        for set in headers.get_all("set-cookie") {
            let (pair, rest) = set.to_str().unwrap().split_once(';').unwrap();
            assert!(rest.contains("HttpOnly") && rest.contains("SameSite=Lax"), "{rest}");
            let (name, value) = pair.split_once('=').unwrap();
            self.cookies.lock().unwrap().insert(name.to_owned(), value.to_owned());
        }
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send(path, None, &[]).await
    }

    /// Sends a form as the page of ours would.
    pub async fn post(&self, path: &str, form: &[(&str, &str)]) -> Answer {
        self.send(path, Some(form), &[("sec-fetch-site", "same-origin")]).await
    }

    pub async fn staff(town: &'t Town, username: &str) -> Self {
        let browser = Self::new(town);
        let form = [("username", username), ("password", demo::PASSWORD), ("next", "/staff")];
        let answer = browser.post("/staff/sign-in", &form).await;
        assert_eq!((answer.status, answer.headers["location"].to_str().unwrap()), (303, "/staff"), "{}", answer.text);
        browser
    }

    pub async fn resident(town: &'t Town, phone: &str) -> Self {
        let browser = Self::new(town);
        let asked = browser.post("/sign-in/code", &[("phone", phone), ("next", "/bookings")]).await;
        let asker = hidden(&asked.text, "asker");
        let code = town.code(phone).await;
        let answer = browser
            .post("/sign-in", &[("phone", phone), ("code", &code), ("next", "/bookings"), ("asker", &asker)])
            .await;
        assert_eq!((answer.status, answer.headers["location"].to_str().unwrap()), (303, "/bookings"));
        browser
    }

    /// The hidden word of this session's forms.
    pub async fn word(&self, path: &str) -> String {
        hidden(&self.get(path).await.text, "w")
    }
}

/// The value of a hidden field.
pub fn hidden(page: &str, name: &str) -> String {
    let page = scraper::Html::parse_document(page);
    let field = scraper::Selector::parse(&format!("input[name={name}]")).unwrap();
    page.select(&field).next().unwrap_or_else(|| panic!("no field {name}")).attr("value").unwrap().to_owned()
}
