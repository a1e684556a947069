//! What displays are told.

use super::{deed, give, next, paired, two_groups};
use crate::person::Person;
use crate::town::{Town, stories};
use futures_util::StreamExt as _;
use sea_orm::ConnectionTrait as _;
use serde_json::{Value, json};
use shuitian::access::{NOT_A_SCREEN, SCREEN};
use shuitian::domain::booking;
use std::time::Duration;

stories!(
    the_board_shows_the_last_calls_and_no_names,
    displays_hear_of_every_change,
    a_display_that_stays_on_hears_of_what_is_published,
    a_queue_that_cannot_be_read_is_not_an_empty_one,
);

async fn the_board_shows_the_last_calls_and_no_names(town: &Town) {
    two_groups(town).await;
    let window = town.staff("window1").await;
    for _ in 0..6 {
        give(&window, json!({ "group": "ZH" })).await;
        town.app.clock.advance(chrono::Duration::seconds(1));
    }
    for desk in ["1", "2", "3", "4", "5"] {
        next(&window, desk).await;
        town.app.clock.advance(chrono::Duration::seconds(1));
    }
    let board = town.stranger().get("/queue").await.ok(200);
    let called: Vec<&str> = board["called"].as_array().unwrap().iter().map(|c| c["number"].as_str().unwrap()).collect();
    assert_eq!(called, ["A005", "A004", "A003", "A002"], "whoever missed the last call finds his own");
    assert_eq!(board["called"][0]["desk"], "5号窗口");
    let waiting: Vec<(&str, i64)> = board["lines"]
        .as_array()
        .unwrap()
        .iter()
        .map(|l| (l["group"].as_str().unwrap(), l["waiting"].as_i64().unwrap()))
        .collect();
    assert_eq!(waiting, [("SB", 0), ("ZH", 1)]);
    assert_eq!(town.stranger().get("/queue?branch=XX").await.refused(booking::UNKNOWN_BRANCH)["field"], "branch");
    town.stranger().get("/queue?branch=DT").await.ok(200);
}

/// The next thing that a display hears, if it hears something soon.
struct Display(futures_util::stream::BoxStream<'static, reqwest::Result<Vec<u8>>>, String);

impl Display {
    async fn of(town: &Town, cookie: Option<&str>, person: Option<&Person<'_>>) -> reqwest::Response {
        let mut request = town.web.get(format!("{}/api/v1/events?branch=DT", town.url));
        if let Some(token) = cookie {
            request = request.header("cookie", format!("{SCREEN}={token}"));
        }
        if let Some(person) = person {
            request = request.bearer_auth(person.token.as_ref().unwrap());
        }
        request.send().await.unwrap()
    }

    fn new(response: reqwest::Response) -> Self {
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Self(Box::pin(response.bytes_stream().map(|part| part.map(|p| p.to_vec()))), String::new())
    }

    async fn hears(&mut self) -> (String, Value) {
        loop {
            if let Some((one, rest)) = self.1.split_once("\n\n") {
                let (one, rest) = (one.to_owned(), rest.to_owned());
                self.1 = rest;
                let field =
                    |name: &str| one.lines().find_map(|l| l.strip_prefix(name)).map(str::trim).map(str::to_owned);
                if let (Some(kind), Some(data)) = (field("event:"), field("data:")) {
                    return (kind, serde_json::from_str(&data).unwrap());
                }
                continue;
            }
            let part = tokio::time::timeout(Duration::from_secs(20), self.0.next()).await.expect("it hears nothing");
            self.1.push_str(&String::from_utf8(part.expect("it ended").unwrap()).unwrap());
        }
    }
}

async fn displays_hear_of_every_change(town: &Town) {
    let refused = Display::of(town, None, None).await;
    assert_eq!((refused.status().as_u16(), refused.text().await.unwrap().contains(NOT_A_SCREEN.code)), (403, true));
    assert_eq!(Display::of(town, Some("made-up"), None).await.status(), 403);
    let resident = town.resident("13800000001").await;
    assert_eq!(Display::of(town, None, Some(&resident)).await.status(), 403);
    let window = town.staff("window1").await;
    let token = paired(town).await;
    let mut display = Display::new(Display::of(town, Some(&token), None).await);
    let (kind, board) = display.hears().await;
    assert_eq!((kind.as_str(), &board["called"]), ("board", &json!([])));
    let ticket = give(&window, json!({})).await;
    assert_eq!(display.hears().await.1["lines"][0]["waiting"], 1);
    next(&window, "1").await;
    let called = display.hears().await.1["called"][0].clone();
    assert_eq!((&called["number"], &called["calls"]), (&ticket["number"], &json!(1)));
    deed(&window, &ticket, "recall").await.ok(200);
    assert_eq!(display.hears().await.1["called"][0]["calls"], 2);
    // A member of staff hears the same.
    let mut clerk = Display::new(Display::of(town, None, Some(&window)).await);
    assert_eq!(clerk.hears().await.1["called"][0]["calls"], 2);
    town.deliver().await;
}

async fn a_display_that_stays_on_hears_of_what_is_published(town: &Town) {
    let token = paired(town).await;
    let mut display = Display::new(Display::of(town, Some(&token), None).await);
    let groups = |board: &Value| board["lines"].as_array().unwrap().len();
    assert_eq!(groups(&display.hears().await.1), 1);
    two_groups(town).await;
    assert_eq!(groups(&display.hears().await.1), 2, "the new group is there without the display being started again");
}

async fn a_queue_that_cannot_be_read_is_not_an_empty_one(town: &Town) {
    let window = town.staff("window1").await;
    give(&window, json!({})).await;
    let mut display = Display::new(Display::of(town, None, Some(&window)).await);
    assert_eq!(display.hears().await.1["lines"][0]["waiting"], 1);
    town.app.database.writer().execute_unprepared("alter table ticket rename to ticket_away").await.unwrap();
    let (kind, news) = display.hears().await;
    assert_eq!((kind.as_str(), news["kind"].as_str(), news.get("lines")), ("trouble", Some("trouble"), None));
    let answer = town.stranger().get("/queue").await;
    assert_eq!((answer.status, answer.body["lines"].clone()), (500, Value::Null));
    town.app.database.writer().execute_unprepared("alter table ticket_away rename to ticket").await.unwrap();
    let (kind, board) = display.hears().await;
    assert_eq!((kind.as_str(), &board["lines"][0]["waiting"]), ("board", &json!(1)), "and it is heard of again");
}
