//! Someone who calls by HTTP, and what comes back.

use crate::town::Town;
use reqwest::Method;
use serde_json::{Value, json};

/// Someone who calls by HTTP.
#[derive(Clone)]
pub struct Person<'t> {
    pub town: &'t Town,
    pub token: Option<String>,
    pub refresh: String,
    pub centre: Option<String>,
    pub address: Option<String>,
    pub device: Option<String>,
    pub key: Option<String>,
}

impl<'t> Person<'t> {
    /// Nobody yet.
    pub fn new(town: &'t Town) -> Self {
        Self { town, token: None, refresh: String::new(), centre: None, address: None, device: None, key: None }
    }

    /// The same person with the tokens of an answer.
    pub fn with(&self, answer: &Value) -> Self {
        Self {
            token: Some(answer["access_token"].as_str().unwrap().to_owned()),
            refresh: answer["refresh_token"].as_str().unwrap().to_owned(),
            ..self.clone()
        }
    }

    /// The same person with fresh tokens, as an app exchanges them by itself.
    pub async fn again(&self) -> Self {
        let answer = self.stranger().post("/auth/refresh", json!({ "refresh_token": self.refresh })).await.ok(200);
        self.with(&answer)
    }

    /// The same person without a token.
    fn stranger(&self) -> Self {
        Self { token: None, ..self.clone() }
    }

    /// The same person, naming a centre.
    pub fn at(&self, centre: &str) -> Self {
        Self { centre: Some(centre.to_owned()), ..self.clone() }
    }

    /// The same person, calling from another address.
    pub fn from(&self, address: &str) -> Self {
        Self { address: Some(address.to_owned()), ..self.clone() }
    }

    /// The same person, with an Idempotency-Key.
    pub fn once(&self, key: &str) -> Self {
        Self { key: Some(key.to_owned()), ..self.clone() }
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, None).await
    }

    pub async fn post(&self, path: &str, body: Value) -> Answer {
        self.send(Method::POST, path, Some(body)).await
    }

    /// Gives a file, as a form does.
    pub async fn upload(&self, purpose: &str, name: &str, bytes: &[u8]) -> Answer {
        let edge = "shuitian-edge";
        let head = format!(
            "--{edge}\r\nContent-Disposition: form-data; name=\"purpose\"\r\n\r\n{purpose}\r\n--{edge}\r\n\
             Content-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\nContent-Type: image/png\r\n\r\n"
        );
        let body = [head.as_bytes(), bytes, format!("\r\n--{edge}--\r\n").as_bytes()].concat();
        let mut request = self.town.web.post(format!("{}/api/v1/files", self.town.url));
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        let kind = format!("multipart/form-data; boundary={edge}");
        Answer::of(request.header("content-type", kind).body(body).send().await.unwrap()).await
    }

    pub async fn send(&self, method: Method, path: &str, body: Option<Value>) -> Answer {
        self.send_to(method, &format!("/api/v1{path}"), body).await
    }

    /// Sends to any path of the server.
    pub async fn send_to(&self, method: Method, path: &str, body: Option<Value>) -> Answer {
        let mut request = self.town.web.request(method, format!("{}{path}", self.town.url));
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        let headers = [
            ("x-centre", &self.centre),
            ("x-forwarded-for", &self.address),
            ("x-device", &self.device),
            ("idempotency-key", &self.key),
        ];
        for (name, value) in headers {
            if let Some(value) = value {
                request = request.header(name, value);
            }
        }
        if let Some(body) = body {
            request = request.json(&body);
        }
        Answer::of(request.send().await.unwrap()).await
    }
}

/// What came back.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: reqwest::header::HeaderMap,
    pub text: String,
    pub body: Value,
}

impl Answer {
    pub async fn of(response: reqwest::Response) -> Self {
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let text = response.text().await.unwrap();
        let body = serde_json::from_str(&text).unwrap_or(Value::Null);
        Self { status, headers, text, body }
    }

    /// The body of an answer that must have this status.
    #[track_caller]
    pub fn ok(self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.text);
        self.body
    }

    /// Must be this refusal, in the one shape of all refusals.
    #[track_caller]
    pub fn refused(self, refusal: shuitian::base::Refusal) -> Value {
        assert_eq!(
            (self.status, self.body["code"].as_str()),
            (refusal.kind.status(), Some(refusal.code)),
            "{}",
            self.text
        );
        assert!(self.body["message"].as_str().is_some_and(|m| !m.is_empty() && !m.contains('{')), "{}", self.text);
        assert_eq!(self.body["article"].as_str(), refusal.article);
        assert!(self.body["request_id"].as_str().is_some_and(|id| id.len() == 12));
        if matches!(self.status, 429 | 503) {
            assert!(self.headers["retry-after"].to_str().unwrap().parse::<i64>().unwrap() > 0);
        }
        self.body
    }
}
