//! Drafts: proposed, looked through, published, in force from their day, and over.

use crate::person::Person;
use crate::town::{Town, at, audit_of, stories};
use chrono::Duration;
use serde_json::{Value, json};
use shuitian::access::FORBIDDEN;
use shuitian::domain::guide::draft as drafts;
use shuitian::domain::guide::{self, BAD_RETIREMENT, CHANNEL_CLOSED, GUIDE_RETIRED};

stories!(
    article_4_3_a_draft_goes_to_the_director_and_into_force,
    article_4_3_a_vague_word_keeps_a_draft_from_being_published,
    article_4_3_a_version_waits_for_its_day_and_is_looked_through_again,
    article_4_3_a_matter_ends_on_its_last_day,
    article_4_4_a_head_proposes_for_his_own_office_alone,
    article_4_4_two_versions_are_compared_on_four_counts,
    article_4_7_no_channel_is_closed_without_a_ground,
    two_who_write_one_draft_do_not_write_over_each_other,
    a_new_matter_needs_its_code_its_office_and_right_codes_of_its_item,
);

/// A draft of a guide, begun from what is in force.
pub(super) async fn begun(editor: &Person<'_>, code: &str) -> Value {
    editor.post("/guides/drafts", json!({ "code": code })).await.ok(201)
}

/// Writes a draft anew; gives it as it is now.
pub(super) async fn written(editor: &Person<'_>, draft: &Value, change: impl FnOnce(&mut Value)) -> Value {
    let mut content = draft["content"].clone();
    change(&mut content);
    let body = json!({ "revision": draft["revision"], "content": content });
    editor.send(reqwest::Method::PUT, &path(draft, ""), Some(body)).await.ok(200)
}

pub(super) fn path(draft: &Value, act: &str) -> String {
    format!("/guides/drafts/{}{act}", draft["id"].as_str().unwrap())
}

/// Sends a draft to the director, who publishes it.
pub(super) async fn published(town: &Town, editor: &Person<'_>, draft: &Value, mut days: Value) -> Value {
    let sent = editor.post(&path(draft, "/submit"), json!({ "revision": draft["revision"] })).await.ok(200);
    days["revision"] = sent["revision"].clone();
    town.staff("director").await.post(&path(draft, "/publish"), days).await.ok(201)
}

async fn article_4_3_a_draft_goes_to_the_director_and_into_force(town: &Town) {
    let (head, director) = (town.staff("head1").await, town.staff("director").await);
    let case = town.received("MZ-01", None).await["number"].as_str().unwrap().to_owned();
    let draft = begun(&head, "MZ-01").await;
    assert_eq!((&draft["state"], &draft["revision"], &draft["faults"]), (&json!("draft"), &json!(1), &json!([])));
    let flow = json!([{ "name": "入户调查", "kind": "handle", "post": "MZ1", "days": 5 }]);
    let draft = written(&head, &draft, |c| c["flow"] = flow.clone()).await;
    // Nothing is published that was not looked through, and by nobody but the director.
    let early = json!({ "revision": draft["revision"] });
    director.post(&path(&draft, "/publish"), early.clone()).await.refused(drafts::DRAFT_STATE);
    let sent = head.post(&path(&draft, "/submit"), early).await.ok(200);
    let revision = json!({ "revision": sent["revision"] });
    head.post(&path(&draft, "/publish"), revision).await.refused(FORBIDDEN);
    director.post(&path(&draft, "/return"), json!({ "words": " " })).await.refused(drafts::RETURN_WORDS);
    director.post(&path(&draft, "/return"), json!({ "words": "请补上承诺时限的说明" })).await.ok(204);
    let back = head.get(&path(&draft, "")).await.ok(200);
    assert_eq!((&back["state"], &back["words"]), (&json!("draft"), &json!("请补上承诺时限的说明")));
    let draft = written(&head, &back, |c| c["elements"]["promised_note"] = json!("含公示7天")).await;
    let version = published(town, &head, &draft, json!({})).await;
    assert_eq!(version, json!({ "version": 2, "in_force_from": "2026-11-24", "review_on": "2027-11-24" }));
    let guide = town.stranger().get("/guides/MZ-01").await.ok(200);
    assert_eq!((&guide["version"], &guide["flow"]), (&json!(2), &flow));
    assert_eq!(guide["elements"]["promised_note"], "含公示7天");
    // What began under the first stays there (article 4.4), and the first can still be read.
    let read = town.staff("window1").await.get(&format!("/cases/{case}")).await.ok(200);
    assert_eq!(read["steps"].as_array().map(Vec::len).unwrap_or_default(), 0, "{read}");
    let versions = town.stranger().get("/guides/MZ-01/versions").await.ok(200);
    let ends = versions["items"].as_array().unwrap().iter().map(|v| v["in_force_until"].clone()).collect::<Vec<_>>();
    assert_eq!(ends, [Value::Null, json!("2026-11-23")]);
    let first = town.stranger().get("/guides/MZ-01/versions/1").await.ok(200);
    assert_eq!((&first["version"], &first["flow"]), (&json!(1), &json!([])));
    town.stranger().get("/guides/MZ-01/versions/3").await.refused(guide::UNKNOWN_VERSION);
    for act in ["guide.drafted", "guide.sent_for_review", "guide.given_back"] {
        assert!(!audit_of(town, act).await.is_empty(), "{act}");
    }
    // The draft is done with, and the next one may begin.
    head.post(&path(&draft, "/drop"), json!({})).await.refused(drafts::DRAFT_STATE);
    let next = begun(&head, "MZ-01").await;
    assert_eq!(next["content"]["elements"]["promised_note"], "含公示7天");
    let same = head.post(&path(&next, "/submit"), json!({ "revision": 1 })).await.ok(200);
    let same = json!({ "revision": same["revision"] });
    director.post(&path(&next, "/publish"), same).await.refused(drafts::NOTHING_NEW);
    head.post(&path(&next, "/drop"), json!({})).await.ok(204);
    assert_eq!(head.get("/guides/drafts").await.ok(200)["items"], json!([]));
}

async fn article_4_3_a_vague_word_keeps_a_draft_from_being_published(town: &Town) {
    let clerk = town.staff("window1").await;
    let draft = begun(&clerk, "SB-01").await;
    let vague = json!({ "name": "其他相关有效证明材料", "form": null, "count": null, "source": null });
    let draft = written(&clerk, &draft, |c| {
        c["materials"].as_array_mut().unwrap().push(vague);
        c["elements"]["conditions"] =
            json!(["有关部门认定的困难人员", "原则上本人到场", "符合《社会救助有关部门职责规定》的人员"]);
    })
    .await;
    let faults = draft["faults"].as_array().unwrap();
    assert_eq!(faults.len(), 2, "{faults:?}");
    assert!(faults[0].as_str().unwrap().contains("第1字起“其他相关”"), "{faults:?}");
    assert_eq!(faults[1], "elements.conditions[0] 第1字起“有关部门”");
    assert_eq!(draft["warnings"], json!(["elements.conditions[1] 第1字起“原则上”"]));
    let refused = clerk.post(&path(&draft, "/submit"), json!({ "revision": draft["revision"] })).await;
    let refused = refused.refused(drafts::BAD_GUIDE);
    assert!(refused["message"].as_str().unwrap().contains("有关部门"), "{refused}");
    // What shows nothing is not even written down.
    let mut hidden = draft["content"].clone();
    hidden["elements"]["conditions"] = json!(["符合其\u{200b}他材料要求"]);
    let body = json!({ "revision": draft["revision"], "content": hidden });
    clerk.send(reqwest::Method::PUT, &path(&draft, ""), Some(body)).await.refused(drafts::BAD_GUIDE);
    let sound = written(&clerk, &draft, |c| {
        c["materials"].as_array_mut().unwrap().pop();
        c["elements"]["conditions"] = json!(["乡人民政府认定的困难人员"]);
    })
    .await;
    published(town, &clerk, &sound, json!({})).await;
}

async fn article_4_3_a_version_waits_for_its_day_and_is_looked_through_again(town: &Town) {
    let clerk = town.staff("window1").await;
    let draft = written(&clerk, &begun(&clerk, "SB-01").await, |c| c["promised_days"] = json!(2)).await;
    let sent = clerk.post(&path(&draft, "/submit"), json!({ "revision": draft["revision"] })).await.ok(200);
    let director = town.staff("director").await;
    for days in [
        json!({ "in_force_from": "2026-11-23" }),
        json!({ "in_force_from": "2027-12-01" }),
        json!({ "review_on": "2026-11-24" }),
        json!({ "review_on": "2032-11-24" }),
    ] {
        let mut body = days;
        body["revision"] = sent["revision"].clone();
        director.post(&path(&draft, "/publish"), body).await.refused(drafts::BAD_DAYS);
    }
    let days = json!({ "revision": sent["revision"], "in_force_from": "2026-11-26", "review_on": "2027-05-26" });
    assert_eq!(director.post(&path(&draft, "/publish"), days).await.ok(201)["version"], 2);
    let number = async || town.stranger().get("/guides/SB-01").await.ok(200)["version"].clone();
    assert_eq!(number().await, 1);
    town.stranger().get("/guides/SB-01/versions/2").await.refused(guide::UNKNOWN_VERSION);
    town.move_to(at("2026-11-25", 23, 50)).await;
    assert_eq!(number().await, 1);
    town.move_to(at("2026-11-26", 0, 10)).await;
    assert_eq!(number().await, 2);
    let versions = town.stranger().get("/guides/SB-01/versions").await.ok(200);
    assert_eq!(versions["items"][0]["review_on"], "2027-05-26");
    assert_eq!(versions["items"][1]["in_force_until"], "2026-11-25");
}

async fn article_4_3_a_matter_ends_on_its_last_day(town: &Town) {
    let director = town.staff("director").await;
    let (begun, clerk) = (town.received("SB-03", None).await, town.staff("window1").await);
    let number = begun["number"].as_str().unwrap();
    let end = json!({ "last_day": "2026-11-25", "why": "事项调整到县人社局办理（县府发〔2026〕12号）" });
    for (field, wrong) in [("last_day", "2026-11-23"), ("last_day", "2028-01-01"), ("why", "调整")] {
        let mut body = end.clone();
        body[field] = json!(wrong);
        director.post("/guides/SB-03/retire", body).await.refused(BAD_RETIREMENT);
    }
    clerk.post("/guides/SB-03/retire", end.clone()).await.refused(FORBIDDEN);
    director.post("/guides/SB-03/retire", end).await.ok(204);
    // Until then it goes on; for a day after that nobody is given a place.
    let resident = town.resident("13800000001").await;
    let slots = town.stranger().get("/slots?guide=SB-03&to=2026-12-05").await.ok(200);
    let starts = slots["items"].as_array().unwrap();
    assert!(!starts.is_empty() && starts.iter().all(|s| s["starts_at"].as_str().unwrap() < "2026-11-26"), "{slots}");
    let after = town.slot("SB-01", at("2026-11-26", 10, 0)).await;
    let wish = json!({ "slot_id": after, "guide": "SB-03", "applicant": { "name": "田小满" } });
    let refused = resident.post("/bookings", wish).await.refused(GUIDE_RETIRED);
    assert!(refused["message"].as_str().unwrap().contains("2026年11月25日之后"), "{refused}");
    town.received("SB-03", None).await;
    town.move_to(at("2026-11-26", 9, 30)).await;
    let clerk = town.staff("window1").await;
    town.stranger().get("/guides/SB-03").await.refused(GUIDE_RETIRED);
    let list = town.stranger().get("/guides").await.ok(200);
    assert_eq!(list["items"].as_array().unwrap().len(), 25);
    let intake = json!({ "guide": "SB-03", "channel": "window", "applicant": { "name": "田小满" } });
    clerk.post("/cases", intake).await.refused(GUIDE_RETIRED);
    // What began goes on to its end.
    clerk.post(&format!("/cases/{number}/accept"), json!({})).await.ok(200);
    assert_eq!(clerk.get(&format!("/cases/{number}")).await.ok(200)["state"], "accepted");
}

async fn article_4_4_a_head_proposes_for_his_own_office_alone(town: &Town) {
    let head = town.staff("head1").await;
    head.post("/guides/drafts", json!({ "code": "SB-01" })).await.refused(drafts::NOT_YOUR_OFFICE);
    town.staff("office1").await.post("/guides/drafts", json!({ "code": "MZ-01" })).await.refused(FORBIDDEN);
    let others = begun(&town.staff("window1").await, "SB-01").await;
    head.get(&path(&others, "")).await.refused(drafts::UNKNOWN_DRAFT);
    assert_eq!(head.get("/guides/drafts").await.ok(200)["items"], json!([]));
    let draft = begun(&head, "MZ-01").await;
    let draft = written(&head, &draft, |c| {
        c["flow"] = json!([
            { "name": "审核", "kind": "review", "post": "XX9", "days": 3 },
            { "name": "决定", "kind": "decide", "post": "MZ1", "days": 99 },
        ]);
    })
    .await;
    let faults = draft["faults"].to_string();
    for fault in ["flow[0].post 没有岗位“XX9”", "flow[1].kind 不能是决定", "超过办理期限"] {
        assert!(faults.contains(fault), "{fault}: {faults}");
    }
    head.post(&path(&draft, "/submit"), json!({ "revision": draft["revision"] })).await.refused(drafts::BAD_GUIDE);
}

async fn article_4_4_two_versions_are_compared_on_four_counts(town: &Town) {
    let clerk = town.staff("window1").await;
    let draft = begun(&clerk, "SB-01").await;
    let (steps, materials) = (draft["content"]["steps"].as_array().unwrap(), &draft["content"]["materials"]);
    let (steps, materials) = (steps.len(), materials.as_array().unwrap().len());
    let draft = written(&clerk, &draft, |c| {
        c["promised_days"] = json!(1);
        c["statutory_days"] = json!(20);
        c["elements"]["visits"] = json!(1);
        c["materials"].as_array_mut().unwrap().push(json!({ "name": "委托书", "required": false }));
        c["materials"].as_array_mut().unwrap().push(json!({ "name": "承诺书" }));
        c["steps"].as_array_mut().unwrap().push(json!("领取结果"));
    })
    .await;
    let count = |before: Value, after: Value| json!({ "before": before, "after": after });
    let optional = |n: usize| if n == 0 { Value::Null } else { json!(n) };
    let expected = json!({
        "steps": count(optional(steps), json!(steps + 1)),
        "days": count(draft["comparison"]["days"]["before"].clone(), json!(1)),
        "materials": count(optional(materials), json!(materials + 1)),
        "visits": count(Value::Null, json!(1)),
    });
    assert_eq!(draft["comparison"], expected);
    published(town, &clerk, &draft, json!({})).await;
    let compared = town.stranger().get("/guides/SB-01/compare?before=1&after=2").await.ok(200);
    assert_eq!(compared, expected);
    let back = town.stranger().get("/guides/SB-01/compare?before=2&after=1").await.ok(200);
    assert_eq!(back["visits"], count(json!(1), Value::Null));
    town.stranger().get("/guides/SB-01/compare?before=1&after=9").await.refused(guide::UNKNOWN_VERSION);
}

async fn article_4_7_no_channel_is_closed_without_a_ground(town: &Town) {
    let clerk = town.staff("window1").await;
    let draft = begun(&clerk, "SB-01").await;
    let close = |ground: &str| json!([{ "channel": "phone", "ground": ground }]);
    let bare = written(&clerk, &draft, |c| c["elements"]["closed_channels"] = close("停用")).await;
    assert!(bare["faults"].to_string().contains("closed_channels[0].ground"), "{bare}");
    clerk.post(&path(&bare, "/submit"), json!({ "revision": bare["revision"] })).await.refused(drafts::BAD_GUIDE);
    let ground = "须本人当面核验（《社会保险法》第七十四条）";
    let grounded = written(&clerk, &bare, |c| c["elements"]["closed_channels"] = close(ground)).await;
    published(town, &clerk, &grounded, json!({})).await;
    let intake = |channel: &str| json!({ "guide": "SB-01", "channel": channel, "applicant": { "name": "田小满" } });
    let refused = clerk.post("/cases", intake("phone")).await.refused(CHANNEL_CLOSED);
    assert!(refused["message"].as_str().unwrap().contains(ground), "{refused}");
    clerk.post("/cases", intake("home_visit")).await.ok(201);
}

async fn two_who_write_one_draft_do_not_write_over_each_other(town: &Town) {
    let (one, other) = (town.staff("window1").await, town.staff("window2").await);
    let draft = begun(&one, "SB-01").await;
    other.post("/guides/drafts", json!({ "code": "SB-01" })).await.refused(drafts::DRAFT_OPEN);
    let read = other.get(&path(&draft, "")).await.ok(200);
    written(&one, &draft, |c| c["note"] = json!("一号窗口改的")).await;
    let body = json!({ "revision": read["revision"], "content": read["content"] });
    let place = path(&draft, "");
    let put = async |person: &Person<'_>, body: Value| person.send(reqwest::Method::PUT, &place, Some(body)).await;
    let refused = put(&other, body).await.refused(drafts::DRAFT_CHANGED);
    assert!(refused["message"].as_str().unwrap().contains("第2稿"), "{refused}");
    // Both press at once: one of them wins.
    let body = json!({ "revision": 2, "content": read["content"] });
    let (a, b) = tokio::join!(put(&one, body.clone()), put(&other, body));
    let mut statuses = [a.status, b.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 409]);
    let unreadable = json!({ "revision": 3, "content": { "name": "a\u{0}b", "audience": [], "legal_basis": [], "materials": [], "steps": [] } });
    put(&one, unreadable).await.refused(drafts::BAD_GUIDE);
    let odd = json!({ "revision": 3, "content": { "name": "没有的字段", "colour": "red" } });
    assert_eq!(put(&one, odd).await.status, 400);
}

async fn a_new_matter_needs_its_code_its_office_and_right_codes_of_its_item(town: &Town) {
    let clerk = town.staff("window1").await;
    let content = json!({
        "name": "殡葬补贴申领", "audience": ["person"], "legal_basis": [], "materials": [{ "name": "死亡证明" }], "steps": ["申请"],
        "promised_days": 5,
        "elements": { "item_code": "11430682006378338L4000511002000", "business_code": "11430682006378338L400051100200001" },
    });
    let new = |code: &str, office: Option<&str>| json!({ "code": code, "office": office, "content": content });
    clerk.post("/guides/drafts", json!({ "code": "MZ-20" })).await.refused(drafts::NEW_NEEDS_ALL);
    clerk.post("/guides/drafts", new("MZ-20", None)).await.refused(drafts::NEW_NEEDS_ALL);
    clerk.post("/guides/drafts", new("mz 20", Some("MZ"))).await.refused(drafts::BAD_CODE);
    clerk.post("/guides/drafts", new("MZ-01", Some("SB"))).await.refused(drafts::NEW_NEEDS_ALL);
    clerk.post("/guides/drafts", new("MZ-20", Some("XX"))).await.refused(shuitian::domain::centre::UNKNOWN_OFFICE);
    let draft = clerk.post("/guides/drafts", new("MZ-20", Some("MZ"))).await.ok(201);
    for (field, wrong, fault) in [
        ("item_code", "11430682006378338L700051100200", "item_code 应为31位"),
        ("item_code", "11430682006378339L4000511002000", "item_code 前18位不是有效的统一社会信用代码"),
        ("item_code", "11430682006378338L9000511002000", "item_code 第19位行使层级"),
        ("business_code", "11431081006538362A400071101900001", "business_code 前31位与实施编码不一致"),
        ("organ_code", "11500114009130311J", "organ_code 与实施编码的前18位不一致"),
    ] {
        let now = clerk.get(&path(&draft, "")).await.ok(200);
        let kept = now["content"]["elements"].clone();
        let bad = written(&clerk, &now, |c| c["elements"][field] = json!(wrong)).await;
        assert!(bad["faults"].to_string().contains(fault), "{fault}: {}", bad["faults"]);
        written(&clerk, &bad, |c| c["elements"] = kept).await;
    }
    let now = clerk.get(&path(&draft, "")).await.ok(200);
    assert_eq!(now["faults"], json!([]));
    town.stranger().get("/guides/MZ-20").await.refused(guide::UNKNOWN_GUIDE);
    assert_eq!(published(town, &clerk, &now, json!({ "in_force_from": "2026-11-25" })).await["version"], 1);
    town.stranger().get("/guides/MZ-20").await.refused(guide::UNKNOWN_GUIDE);
    // A name is one matter's, also while it waits for its day.
    for (code, name) in [("MZ-21", "殡葬补贴申领"), ("MZ-22", "失业登记")] {
        let mut other = new(code, Some("MZ"));
        other["content"]["name"] = json!(name);
        let other = clerk.post("/guides/drafts", other).await.ok(201);
        let sent = clerk.post(&path(&other, "/submit"), json!({ "revision": 1 })).await.ok(200);
        let publish = json!({ "revision": sent["revision"] });
        let director = town.staff("director").await;
        director.post(&path(&other, "/publish"), publish).await.refused(guide::NAME_TAKEN);
    }
    town.wait(Duration::days(1)).await;
    assert_eq!(town.stranger().get("/guides/MZ-20").await.ok(200)["promised_days"], 5);
    town.received("MZ-20", None).await;
}
