//! Documents: issued in the act that they tell of, numbered without gaps, kept as they were made, and checked by their code.

use crate::person::Person;
use crate::town::{Town, at, stories};
use chrono::Duration;
use entity::document::{Column, Entity as Documents};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _, QueryOrder as _};
use serde_json::{Value, json};
use shuitian::domain::case::{self, UNKNOWN_CASE};
use shuitian::domain::document::{UNKNOWN_CODE, UNKNOWN_DOCUMENT};
use std::collections::BTreeSet;
use std::io::Write as _;
use std::process::Command;

stories!(
    article_4_5_each_act_issues_its_document,
    numbers_have_no_gaps_though_many_press_at_once_and_some_are_refused,
    a_document_stays_as_it_was_issued,
    whoever_holds_the_paper_can_check_it,
    a_document_is_read_by_whom_it_is_for_and_nobody_else,
    a_paper_says_what_it_says_and_its_code_leads_to_the_check,
);

async fn documents(person: &Person<'_>, number: &str) -> Vec<Value> {
    let list = person.get(&format!("/cases/{number}/documents")).await.ok(200);
    list["items"].as_array().unwrap().clone()
}

async fn numbers(person: &Person<'_>, number: &str) -> Vec<String> {
    documents(person, number).await.iter().map(|d| d["number"].as_str().unwrap().to_owned()).collect()
}

fn number(case: &Value) -> String {
    case["number"].as_str().unwrap().to_owned()
}

/// The bytes of a document, and its type.
async fn bytes(town: &Town, person: &Person<'_>, number: &str, document: &Value) -> (Vec<u8>, String) {
    let path = format!("/api/v1/cases/{number}/documents/{}", document["id"].as_str().unwrap());
    let request = town.web.get(format!("{}{path}", town.url)).bearer_auth(person.token.as_ref().unwrap());
    let response = request.send().await.unwrap();
    assert_eq!(response.status(), 200);
    let kind = response.headers()["content-type"].to_str().unwrap().to_owned();
    (response.bytes().await.unwrap().to_vec(), kind)
}

/// What a document says, as its reader sees it.
fn text(bytes: &[u8], kind: &str) -> String {
    if kind != "application/pdf" {
        let page = scraper::Html::parse_document(std::str::from_utf8(bytes).unwrap());
        let body = scraper::Selector::parse("body").unwrap();
        return page.select(&body).next().unwrap().text().collect();
    }
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("paper.pdf");
    std::fs::File::create(&file).unwrap().write_all(bytes).unwrap();
    let out = Command::new("pdftotext").arg("-layout").arg(&file).arg("-").output().unwrap();
    assert!(out.status.success());
    String::from_utf8(out.stdout).unwrap()
}

/// Without the ends of lines, at which a sentence may be broken.
fn joined(text: &str) -> String {
    text.chars().filter(|c| !c.is_whitespace()).collect()
}

/// What the QR code of a PDF says.
fn code(bytes: &[u8]) -> String {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("paper.pdf");
    std::fs::write(&file, bytes).unwrap();
    let picture = directory.path().join("paper");
    let drawn = Command::new("pdftoppm").args(["-gray", "-r", "150", "-singlefile"]).arg(&file).arg(&picture).status();
    assert!(drawn.unwrap().success());
    // PGM: its kind, width, height and depth, each a word, and then the pixels.
    let picture = std::fs::read(picture.with_extension("pgm")).unwrap();
    let head: Vec<&[u8]> = picture.splitn(4, |b| b.is_ascii_whitespace()).collect();
    let size = |word: &[u8]| std::str::from_utf8(word).unwrap().parse::<usize>().unwrap();
    let (width, height) = (size(head[1]), size(head[2]));
    let pixels = &picture[picture.len() - width * height..];
    let mut image = rqrr::PreparedImage::prepare_from_greyscale(width, height, |x, y| pixels[y * width + x]);
    image.detect_grids()[0].decode().unwrap().1
}

async fn article_4_5_each_act_issues_its_document(town: &Town) {
    let window = town.staff("window1").await;
    // A promised matter through special procedure, extension, grant and handing over.
    let case = number(&town.received("MZ-01", Some("13800000001")).await);
    let act = async |person: &Person<'_>, what: &str, body: Value| {
        person.post(&format!("/cases/{case}/{what}"), body).await.ok(200);
    };
    act(&window, "accept", json!({})).await;
    let office = town.staff("office1").await;
    act(&office, "suspend", json!({ "procedure": "expert_review", "ground": "请专家评审残疾等级" })).await;
    act(&office, "resume", json!({})).await;
    let director = town.staff("director").await;
    act(&director, "extend", json!({ "days": 5, "ground": "入户核查路断了" })).await;
    act(&office, "decide", json!({ "grant": true })).await;
    act(&window, "issue", json!({})).await;
    let expected = [
        "收〔2026〕1号",
        "受〔2026〕1号",
        "特〔2026〕1号",
        "延〔2026〕1号",
        "决〔2026〕1号",
        "领〔2026〕1号",
        "达〔2026〕1号",
    ];
    assert_eq!(numbers(&window, &case).await, expected.map(|n| format!("水田公服{n}")));
    // What is missing, told and put right; then refused.
    let case = number(&town.received("MZ-01", None).await);
    let material = town.stranger().get("/guides/MZ-01").await.ok(200)["materials"][0]["name"].clone();
    let wanted = json!([{ "material": material, "what": "缺签字" }]);
    let ask = json!({ "wanted": wanted, "until": "2026-12-04" });
    window.post(&format!("/cases/{case}/supplement"), ask).await.ok(200);
    let right = json!({ "wanted": wanted, "why": "写漏了一处" });
    director.post(&format!("/cases/{case}/supplement/correct"), right).await.ok(200);
    // The one that was wrong does not hold any longer, and the counter prints the other.
    let papers = documents(&window, &case).await;
    assert_eq!(papers.iter().map(|d| d["void"] == true).collect::<Vec<_>>(), [false, true, false]);
    let page = crate::pages::Browser::staff(town, "window1").await.get(&format!("/staff/cases/{case}")).await.text;
    let link = format!("/staff/cases/{case}/documents/{}\">打印一次性告知书", papers[2]["id"].as_str().unwrap());
    assert!(page.contains(&link), "{page}");
    let no = json!({ "ground": "经核对不符合受理条件" });
    window.post(&format!("/cases/{case}/refuse"), no).await.ok(200);
    let expected = ["收〔2026〕2号", "补〔2026〕1号", "补〔2026〕2号", "不受〔2026〕1号"];
    assert_eq!(numbers(&window, &case).await, expected.map(|n| format!("水田公服{n}")));
    // What is done on the spot has no notice to fetch it.
    let intake = json!({ "guide": "SB-03", "channel": "window", "at_once": true, "applicant": { "name": "田小满" } });
    let case = number(&window.post("/cases", intake).await.ok(201));
    let kinds: Vec<Value> = documents(&window, &case).await.into_iter().map(|d| d["kind"].clone()).collect();
    assert_eq!(kinds, ["receipt", "acceptance", "decision", "delivery"]);
    // Nothing was said in time: the notice of acceptance says so.
    let case = number(&town.received("MZ-01", None).await);
    town.move_to(at("2026-12-02", 9, 30)).await;
    let window = town.staff("window1").await;
    let papers = documents(&window, &case).await;
    assert_eq!(papers[1]["kind"], "acceptance");
    let (paper, kind) = bytes(town, &window, &case, &papers[1]).await;
    assert!(joined(&text(&paper, &kind)).contains("自收件之日起即为受理"));
    // A new year begins anew.
    town.move_to(at("2027-01-04", 9, 30)).await;
    let case = number(&town.received("SB-03", None).await);
    assert_eq!(numbers(&town.staff("window1").await, &case).await, ["水田公服收〔2027〕1号"]);
}

async fn numbers_have_no_gaps_though_many_press_at_once_and_some_are_refused(town: &Town) {
    let window = town.staff("window1").await;
    let intake = |n: usize| {
        // Every third one is refused after its number was drawn.
        let guide = if n.is_multiple_of(3) { "MZ-01" } else { "SB-03" };
        json!({ "guide": guide, "channel": "window", "at_once": true, "applicant": { "name": "田小满" } })
    };
    let answers = futures_util::future::join_all((0..24).map(|n| window.post("/cases", intake(n)))).await;
    let done: Vec<String> = answers.into_iter().filter(|a| a.status == 201).map(|a| number(&a.body)).collect();
    assert_eq!(done.len(), 16);
    let mut all = BTreeSet::new();
    for case in &done {
        all.extend(numbers(&window, case).await);
    }
    let expected = ["收", "受", "决", "达"]
        .into_iter()
        .flat_map(|word| (1..=16).map(move |n| format!("水田公服{word}〔2026〕{n}号")));
    assert_eq!(all, expected.collect());
}

async fn a_document_stays_as_it_was_issued(town: &Town) {
    let window = town.staff("window1").await;
    let case = number(&town.received("SB-03", Some("13800000001")).await);
    let receipt = documents(&window, &case).await.remove(0);
    let (first, kind) = bytes(town, &window, &case, &receipt).await;
    // Two ask at once for one that was not made yet, and get the same.
    window.post(&format!("/cases/{case}/accept"), json!({})).await.ok(200);
    let acceptance = documents(&window, &case).await.remove(1);
    let (a, b) = tokio::join!(bytes(town, &window, &case, &acceptance), bytes(town, &window, &case, &acceptance));
    assert_eq!(a, b);
    // The applicant was put right, and the centre is called something else: what was issued says what it said.
    let right = json!({ "name": "田晓满" });
    window.post(&format!("/cases/{case}/applicant"), right).await.ok(200);
    let mut file: Value = serde_json::from_str(include_str!("../../seed/centre.json")).unwrap();
    (file["name"], file["hours_from"]) = (json!("水田镇公共服务中心"), json!("2026-12-01"));
    let file = serde_json::from_value(file).unwrap();
    let (random, now) = (&town.app.random, town.app.clock.now());
    let change = async |tx: &_| shuitian::domain::centre::import(tx, random, now, file).await;
    town.app.establish(change).await.unwrap();
    assert_eq!(bytes(town, &window, &case, &receipt).await, (first.clone(), kind.clone()));
    assert!(text(&first, &kind).contains("田小满") && text(&first, &kind).contains("水田乡公共服务中心"));
    // What nobody asked for is made by the timetable, once; one that cannot be made holds up no other.
    let spoiled = number(&town.received("SB-03", None).await);
    let of = documents(&window, &spoiled).await[0]["id"].as_str().unwrap().parse::<entity::Id>().unwrap();
    let data = Documents::find_by_id(of).one(town.app.read()).await.unwrap().unwrap().data;
    let put = async |data: entity::Sealed| {
        let put = Documents::update_many().col_expr(Column::Data, Expr::value(data)).filter(Column::Id.eq(of));
        put.exec(town.app.database.writer()).await.unwrap();
    };
    put(entity::Sealed(vec![1])).await;
    window.post(&format!("/cases/{case}/decide"), json!({ "grant": true })).await.ok(200);
    town.wait(Duration::minutes(2)).await;
    let unmade = Documents::find().filter(Column::FileId.is_null()).all(town.app.read()).await.unwrap();
    assert_eq!(unmade.into_iter().map(|d| d.id).collect::<Vec<_>>(), [of]);
    put(data).await;
    town.wait(Duration::minutes(2)).await;
    let rows = async || Documents::find().order_by_asc(Column::Id).all(town.app.read()).await.unwrap();
    let made = rows().await;
    assert!(made.iter().all(|d| d.file_id.is_some() && d.made_at.is_some() && d.template.is_some()));
    let again: Vec<_> = made.iter().map(|d| d.file_id).collect();
    town.wait(Duration::minutes(2)).await;
    assert_eq!(rows().await.iter().map(|d| d.file_id).collect::<Vec<_>>(), again);
    town.deliver().await;
}

/// The code of a document, as its paper shows it.
async fn code_of(town: &Town, person: &Person<'_>, case: &str, document: &Value) -> String {
    let (paper, kind) = bytes(town, person, case, document).await;
    let text = text(&paper, &kind);
    text.split("校验码：").nth(1).unwrap().trim_start()[..14].to_owned()
}

async fn whoever_holds_the_paper_can_check_it(town: &Town) {
    let window = town.staff("window1").await;
    let case = number(&town.received("SB-03", None).await);
    window.post(&format!("/cases/{case}/accept"), json!({})).await.ok(200);
    window.post(&format!("/cases/{case}/decide"), json!({ "grant": true })).await.ok(200);
    let papers = documents(&window, &case).await;
    let code = code_of(town, &window, &case, &papers[2]).await;
    let check = async |code: &str| town.stranger().post("/documents/check", json!({ "code": code })).await;
    let told = check(&code.to_lowercase()).await.ok(200);
    assert_eq!(
        (&told["title"], &told["number"], &told["to"]),
        (&json!("决定书"), &papers[2]["number"], &json!("田**"))
    );
    assert_eq!((&told["void"], told["sha256"].as_str().map(str::len)), (&json!(false), Some(64)));
    let (bytes, _) = bytes(town, &window, &case, &papers[2]).await;
    assert_eq!(told["sha256"], hex::encode(shuitian::base::vault::sha256(&bytes).0));
    assert!(told["first"].as_str().unwrap().contains("决定准予") && !told.to_string().contains("田小满"));
    check("AAAA-BBBB-CCCC").await.refused(UNKNOWN_CODE);
    check(&code[..13]).await.refused(UNKNOWN_CODE);
    let page = town.stranger().send_to(reqwest::Method::GET, &format!("/v/{}", code.replace('-', "")), None).await;
    assert!(page.text.contains("现在有效") && page.text.contains("田**") && !page.text.contains("田小满"));
    // The decision was a mistake: its paper does not hold any longer, the others do.
    let read = window.get(&format!("/cases/{case}")).await.ok(200);
    let events = read["timeline"].as_array().unwrap();
    let wrong = events.iter().find(|e| e["kind"] == "granted").unwrap()["id"].clone();
    let undo = json!({ "event_id": wrong, "words": "审核时看错了人，应当重办", "undo": true });
    town.staff("director").await.post(&format!("/cases/{case}/amend"), undo).await.ok(200);
    assert_eq!(check(&code).await.ok(200)["void"], true);
    let page = town.stranger().send_to(reqwest::Method::GET, &format!("/v/{}", code.replace('-', "")), None).await;
    assert!(page.text.contains("文书作废"));
    let void: Vec<Value> = documents(&window, &case).await.into_iter().map(|d| d["void"].clone()).collect();
    assert_eq!(void, [false, false, true]);
    // A case that should not have been takes its papers with it.
    let ground = json!({ "ground": "同一事项重复收件，作废这一件" });
    town.staff("director").await.post(&format!("/cases/{case}/void"), ground).await.ok(200);
    assert!(documents(&window, &case).await.iter().all(|d| d["void"] == true));
    for _ in 0..60 {
        check("AAAA-BBBB-CCCC").await;
    }
    assert_eq!(check(&code).await.status, 429, "nobody tries codes one after the other");
}

async fn a_document_is_read_by_whom_it_is_for_and_nobody_else(town: &Town) {
    let resident = town.resident("13800000001").await;
    let slot = town.slot("SB-03", at("2026-11-24", 10, 0)).await;
    let wish = json!({ "slot_id": slot, "guide": "SB-03", "applicant": { "name": "田小满" } });
    let booking = resident.post("/bookings", wish).await.ok(201)["id"].clone();
    let applicant = json!({ "name": "田小满", "phone": "13800000001" });
    let intake = json!({ "guide": "SB-03", "channel": "window", "booking_id": booking, "applicant": applicant });
    let case = number(&town.staff("window1").await.post("/cases", intake).await.ok(201));
    // While they are there, nobody stands in for them.
    for who in ["director", "supervisor"] {
        town.sign_in(who).await;
    }
    let receipt = documents(&resident, &case).await.remove(0);
    let path = format!("/cases/{case}/documents/{}", receipt["id"].as_str().unwrap());
    assert_eq!(resident.get(&path).await.status, 200);
    for (who, refusal) in [("office1", UNKNOWN_CASE), ("head1", UNKNOWN_CASE)] {
        town.staff(who).await.get(&path).await.refused(refusal);
    }
    town.resident("13800000002").await.get(&path).await.refused(UNKNOWN_CASE);
    town.staff("leader").await.get(&path).await.refused(shuitian::access::FORBIDDEN);
    // One of another case is not found under this one.
    let other = number(&town.received("SB-03", None).await);
    let window = town.staff("window1").await;
    let foreign = documents(&window, &other).await.remove(0);
    let crossed = format!("/cases/{case}/documents/{}", foreign["id"].as_str().unwrap());
    resident.get(&crossed).await.refused(UNKNOWN_DOCUMENT);
    // Entered at the window under his phone, it is his in part: its papers are not.
    let part = number(&town.received("SB-03", Some("13800000001")).await);
    resident.get(&format!("/cases/{part}/documents")).await.refused(UNKNOWN_CASE);
    town.deliver().await;
}

async fn a_paper_says_what_it_says_and_its_code_leads_to_the_check(town: &Town) {
    let window = town.staff("window1").await;
    let materials = json!([{ "name": "居民身份证", "form": "copy", "copies": 2 }]);
    let applicant = json!({ "name": "欧阳镕喆", "phone": "13800000001" });
    let intake = json!({ "guide": "MZ-01", "channel": "window", "applicant": applicant, "materials": materials });
    let received = window.post("/cases", intake).await.ok(201);
    let case = number(&received);
    window.post(&format!("/cases/{case}/accept"), json!({})).await.ok(200);
    let no = json!({ "grant": false, "ground": "家庭人均收入超过保障标准", "basis": "《社会救助暂行办法》第九条" });
    town.staff("office1").await.post(&format!("/cases/{case}/decide"), no).await.ok(200);
    let papers = documents(&window, &case).await;
    let check_code = received["receipt"]["check_code"].as_str().unwrap();
    for (n, words) in [
        (0, vec!["收件回执单", "欧阳镕喆：", "居民身份证", "复印件", "承办科室：民政和社会事务办公室", check_code]),
        (1, vec!["受理通知书", "经审查予以受理", "办理期限至"]),
        (
            2,
            vec![
                "决定书",
                "决定不予批准",
                "家庭人均收入超过保障标准",
                "《社会救助暂行办法》第九条",
                "60日内",
                case::REMEDIES,
            ],
        ),
    ] {
        let (paper, kind) = bytes(town, &window, &case, &papers[n]).await;
        let said = joined(&text(&paper, &kind));
        for words in
            [words, vec!["水田乡公共服务中心", "2026年11月24日", papers[n]["number"].as_str().unwrap(), "校验码"]]
                .concat()
        {
            assert!(said.contains(&joined(words)), "{words}: {said}");
        }
        if cfg!(feature = "pdf") {
            assert_eq!(kind, "application/pdf");
            let code = code(&paper);
            let (address, checked) = code.rsplit_once('/').unwrap();
            assert_eq!(address, format!("{}/v", town.app.rules.public_url));
            let told = town.stranger().post("/documents/check", json!({ "code": checked })).await.ok(200);
            assert_eq!(told["number"], papers[n]["number"]);
        } else {
            assert_eq!(kind, "text/html; charset=utf-8");
        }
    }
    town.deliver().await;
}
