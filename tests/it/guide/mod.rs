//! The real list of guides, found and published.

mod draft;
mod form;

use crate::town::{Town, audit_of, stories};
use serde_json::{Value, json};
use shuitian::base::Error;
use shuitian::domain::guide::{self, GuideFile};
use shuitian::domain::{Who, centre};

stories!(
    a_guide_is_found_as_people_type_it,
    what_was_not_published_stays_null,
    article_4_3_a_vague_word_stops_the_whole_file_and_changes_nothing,
    every_fault_of_a_file_is_told_at_once,
    a_file_taken_in_again_changes_only_what_is_new,
    article_4_4_a_case_stays_on_the_version_it_began_under,
    a_guide_that_is_not_there_is_refused,
);

fn shipped() -> Vec<Value> {
    serde_json::from_str(include_str!("../../../seed/guides.json")).unwrap()
}

async fn import(town: &Town, files: Vec<Value>) -> Result<guide::Imported, Error> {
    let files: Vec<GuideFile> = files.into_iter().map(|f| serde_json::from_value(f).unwrap()).collect();
    town.app.publish(&town.centre, Who::Operator, async |act| guide::import(act, files).await).await
}

async fn a_guide_is_found_as_people_type_it(town: &Town) {
    let find = async |query: &str| {
        let list = town.stranger().get(&format!("/guides?{query}")).await.ok(200);
        list["items"].as_array().unwrap().iter().map(|g| g["name"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(find("").await.len(), 26);
    assert_eq!(find("q=低保").await, ["最低生活保障对象认定"], "so people call it");
    assert_eq!(find("q=五险一金").await, [] as [&str; 0]);
    for q in ["zdsh", "zuidishenghuo", "最低", "zui%20di", "ZDSH", "ｚｄｓｈ"] {
        assert_eq!(find(&format!("q={q}")).await, ["最低生活保障对象认定"], "{q}");
    }
    assert_eq!(find("q=yanglao").await.len(), 3, "养老 thrice: insurance twice, subsidy once");
    assert_eq!(find("office=NY").await, ["林木采伐许可证核发"]);
    assert_eq!(find("audience=legal_person").await.len(), 3);
    assert_eq!(find("office=MZ&q=cjr").await.len(), 3);
    town.stranger().get("/guides?office=XX").await.refused(centre::UNKNOWN_OFFICE);
    let first = town.stranger().get("/guides?limit=20").await.ok(200);
    let rest = town
        .stranger()
        .get(&format!("/guides?limit=20&cursor={}", first["next_cursor"].as_str().unwrap()))
        .await
        .ok(200);
    assert_eq!(
        (first["items"].as_array().unwrap().len(), rest["items"].as_array().unwrap().len(), &rest["next_cursor"]),
        (20, 6, &Value::Null)
    );
}

async fn what_was_not_published_stays_null(town: &Town) {
    for (row, file) in shipped().iter().enumerate() {
        let codes: Value = serde_json::from_str(include_str!("../../../seed/guide_codes.json")).unwrap();
        let code = codes[file["name"].as_str().unwrap()][0].as_str().unwrap().to_owned();
        let guide = town.stranger().get(&format!("/guides/{code}")).await.ok(200);
        for field in
            ["name", "statutory_days", "promised_days", "fee", "result", "online", "source_url", "source_place"]
        {
            assert_eq!(guide[field], file[field], "row {row} {field}");
        }
        assert_eq!(guide["materials"].as_array().unwrap().len(), file["materials"].as_array().unwrap().len());
        for (ours, theirs) in guide["materials"].as_array().unwrap().iter().zip(file["materials"].as_array().unwrap()) {
            for field in ["name", "form", "count", "source"] {
                assert_eq!(ours[field], theirs[field], "row {row} material {field}");
            }
        }
    }
}

async fn article_4_3_a_vague_word_stops_the_whole_file_and_changes_nothing(town: &Town) {
    let before = town.rows().await;
    let mut files = shipped();
    files[1]["fee"] = json!("不收费");
    files[0]["materials"].as_array_mut().unwrap().push(
        json!({ "name": "其他相关有效证明材料", "form": null, "count": null, "source": null, "issuer_guess": null }),
    );
    let Err(Error::Refused(refused)) = import(town, files).await else { panic!("it was published") };
    assert_eq!((refused.refusal, refused.refusal.article), (guide::BAD_GUIDES, Some("4.3")));
    assert_eq!(refused.message, "办事指南文件有误，未导入：第1行 materials[5].name 第1字起“其他相关”");
    assert_eq!(town.rows().await, before);
}

async fn every_fault_of_a_file_is_told_at_once(town: &Town) {
    let mut files = shipped();
    files[0]["name"] = json!("一个新事项");
    files[1]["kind"] = json!("快办件");
    files[2]["office_code"] = json!("XX");
    files[3]["promised_days"] = json!(99);
    files[5]["name"] = files[4]["name"].clone();
    files[6]["materials"][0]["count"] = json!(0);
    let Err(Error::Refused(refused)) = import(town, files).await else { panic!("it was published") };
    for fault in [
        "第1行 code 缺少",
        "第1行 office_code 缺少",
        "第2行 kind “快办件”",
        "第3行 office_code XX",
        "第4行 promised_days 99个工作日，长于法定时限24个工作日",
        "第6行 name “经济困难的高龄失能老年人养老服务补贴”重复",
        "第7行 materials[0].count",
    ] {
        assert!(refused.message.contains(fault), "{fault}: {}", refused.message);
    }
}

async fn a_file_taken_in_again_changes_only_what_is_new(town: &Town) {
    let again = import(town, shipped()).await.unwrap();
    assert_eq!((again.added, again.changed, again.unchanged), (0, 0, 26));
    let mut files = shipped();
    files[1]["promised_days"] = json!(12);
    files.push(json!({
        "code": "MZ-10", "office_code": "MZ", "name": "殡葬补贴申领", "office": "乡民政办", "audience": "自然人", "kind": "承诺件",
        "legal_basis": [], "materials": [], "statutory_days": null, "promised_days": 5, "fee": null, "steps": [],
        "result": null, "online": null, "source_url": null, "source_place": null, "note": null
    }));
    let changed = import(town, files).await.unwrap();
    assert_eq!((changed.added, changed.changed, changed.unchanged), (1, 1, 25));
    let guide = town.stranger().get("/guides/MZ-02").await.ok(200);
    assert_eq!((&guide["version"], &guide["promised_days"]), (&json!(2), &json!(12)));
    assert_eq!(audit_of(town, "guide.published").await.len(), 28);
}

async fn article_4_4_a_case_stays_on_the_version_it_began_under(town: &Town) {
    let case = town.received("NY-01", None).await;
    let mut files = shipped();
    let row = files.iter().position(|f| f["name"] == "林木采伐许可证核发").unwrap();
    files[row]["promised_days"] = json!(3);
    import(town, files).await.unwrap();
    let window = town.staff("window1").await;
    let accepted = window.post(&format!("/cases/{}/accept", case["number"].as_str().unwrap()), json!({})).await.ok(200);
    assert_eq!(accepted["due_on"], "2026-12-03", "seven days, as promised when it began");
    assert_eq!(town.received("NY-01", None).await["due_on"], "2026-11-27");
}

async fn a_guide_that_is_not_there_is_refused(town: &Town) {
    town.stranger().get("/guides/XX-01").await.refused(guide::UNKNOWN_GUIDE);
    town.stranger().get("/guides/mz-01").await.refused(guide::UNKNOWN_GUIDE);
}
