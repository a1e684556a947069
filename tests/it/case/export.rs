//! Cases taken away as a table: what one may see, masked, and no formulas.

use super::number;
use crate::town::{Town, audit_of, stories};
use serde_json::{Value, json};
use shuitian::access::FORBIDDEN;
use std::io::{Cursor, Read as _};

stories!(a_table_holds_what_its_reader_may_see_masked_and_as_texts,);

/// A table as somebody gets it.
async fn table(town: &Town, who: &str, body: Value) -> Vec<u8> {
    let token = town.staff(who).await.token.unwrap();
    let request = town.web.post(format!("{}/api/v1/cases/export", town.url)).bearer_auth(token).json(&body);
    let response = request.send().await.unwrap();
    assert_eq!(response.status(), 200);
    let csv = body["form"] == "csv";
    let (kind, name) = (&response.headers()["content-type"], &response.headers()["content-disposition"]);
    assert_eq!(kind.to_str().unwrap().contains("csv"), csv);
    assert!(name.to_str().unwrap().ends_with(if csv { "%2Ecsv" } else { "%2Exlsx" }));
    response.bytes().await.unwrap().to_vec()
}

async fn lines(town: &Town, who: &str, body: Value) -> Vec<String> {
    let text = String::from_utf8(table(town, who, body).await).unwrap();
    assert!(text.starts_with('\u{feff}'));
    text.trim_start_matches('\u{feff}').lines().skip(1).map(str::to_owned).collect()
}

async fn a_table_holds_what_its_reader_may_see_masked_and_as_texts(town: &Town) {
    // While they are there, nobody stands in for them.
    for who in ["director", "supervisor"] {
        town.sign_in(who).await;
    }
    let mine = number(&town.received("MZ-01", Some("13800000001")).await);
    let theirs = number(&town.received("SB-01", None).await);
    let all = lines(town, "window1", json!({ "form": "csv" })).await;
    assert_eq!(all.len(), 2);
    let line = all.iter().find(|line| line.contains(&mine)).unwrap();
    for words in ["最低生活保障对象认定", "民政和社会事务办公室", "窗口", "已收件", "田**", "138****0001", "2026-11-24"]
    {
        assert!(line.contains(&format!("\"{words}\"")), "{words}: {line}");
    }
    assert!(!all.concat().contains("田小满") && !all.concat().contains("13800000001"));
    // An office has its own matters, and the filters narrow as a list's do.
    let own = lines(town, "office1", json!({ "form": "csv" })).await;
    assert!(own.len() == 1 && own[0].contains(&mine));
    for (filter, count) in [
        (json!({ "form": "csv", "state": "accepted" }), 0),
        (json!({ "form": "csv", "office": "SB" }), 1),
        (json!({ "form": "csv", "until": "2026-11-23" }), 0),
        (json!({ "form": "csv", "from": "2026-11-24", "lamp": "green" }), 1),
    ] {
        assert_eq!(lines(town, "director", filter.clone()).await.len(), count, "{filter}");
    }
    town.staff("party").await.post("/cases/export", json!({ "form": "csv" })).await.refused(FORBIDDEN);
    town.staff("director")
        .await
        .post("/cases/export", json!({ "form": "csv", "office": "XX" }))
        .await
        .refused(shuitian::domain::centre::UNKNOWN_OFFICE);
    // As a workbook: texts are texts, days are numbers with a day's form, and there is no formula.
    let book = table(town, "director", json!({ "form": "xlsx" })).await;
    let mut zip = zip::ZipArchive::new(Cursor::new(book)).unwrap();
    let mut part = |name: &str| {
        let mut text = String::new();
        zip.by_name(name).unwrap().read_to_string(&mut text).unwrap();
        text
    };
    let (strings, sheet) = (part("xl/sharedStrings.xml"), part("xl/worksheets/sheet1.xml"));
    assert!(strings.contains(&mine) && strings.contains(&theirs) && strings.contains("田**"));
    assert!(sheet.contains("t=\"s\"") && !sheet.contains("<f>"));
    assert!(audit_of(town, "case.exported").await.len() >= 7);
    town.deliver().await;
}
