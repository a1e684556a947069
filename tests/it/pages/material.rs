//! Materials by page: taken in on other accounts, scanned, settled, passed on and handed back.

use super::Browser;
use crate::town::{Town, stories};
use reqwest::header::CONTENT_TYPE;
use serde_json::json;

stories!(materials_are_taken_in_settled_and_handed_back_by_page,);

async fn materials_are_taken_in_settled_and_handed_back_by_page(town: &Town) {
    crate::case::republish(town, "MZ-01", |guide| {
        for material in guide["materials"].as_array_mut().unwrap() {
            (material["promise"], material["may_follow"]) = (json!(true), json!(true));
        }
    })
    .await;
    let (window, office) = (Browser::staff(town, "window1").await, Browser::staff(town, "office1").await);
    let form = window.get("/staff/receive?guide=MZ-01").await.text;
    assert!(
        form.contains("告知承诺") && form.contains("容缺，以后补交") && form.contains("承诺核实或补交的日期"),
        "{form}"
    );
    let (word, once) = (super::hidden(&form, "w"), super::hidden(&form, "once"));
    let names: Vec<String> = form
        .split("name=\"material_name\" value=\"")
        .skip(1)
        .map(|part| part.split('"').next().unwrap().to_owned())
        .filter(|name| !name.is_empty())
        .collect();
    let filled = |due: &'static str| {
        let mut fields = vec![("w", word.as_str()), ("once", once.as_str()), ("guide", "MZ-01"), ("name", "田小满")];
        fields.extend(names.iter().map(|name| ("material_name", name.as_str())));
        fields.extend([("form0", "kept"), ("form1", "promised"), ("due1", due), ("form2", "follows"), ("due2", due)]);
        fields
    };
    let wrong = window.post("/staff/receive", &filled("2026-11-24")).await.text;
    assert!(wrong.contains("补交或核实的日期应在明天到60天内") && wrong.contains("管理办法 4.7"), "{wrong}");
    let again = super::hidden(&wrong, "once");
    let mut fields = filled("2026-12-01");
    fields[1].1 = &again;
    let received = window.post("/staff/receive", &fields).await;
    assert_eq!(received.status, 303, "{}", received.text);
    let case = received.headers["location"].to_str().unwrap().to_owned();
    let seen = window.get(&case).await.text;
    assert!(seen.contains("告知承诺，12月1日前核实") && seen.contains("容缺，12月1日前补交"), "{seen}");
    assert!(seen.contains("原件在1号综合窗口") && seen.contains("案卷：1号综合窗口 11月24日"));

    // A scan, by a form with a file.
    let edge = "shuitian-edge";
    let body = format!(
        "--{edge}\r\nContent-Disposition: form-data; name=\"w\"\r\n\r\n{word}\r\n--{edge}\r\nContent-Disposition: form-data; \
         name=\"file\"; filename=\"book.pdf\"\r\nContent-Type: application/pdf\r\n\r\n%PDF-1.7\n%%EOF\r\n--{edge}--\r\n"
    );
    let scanned = town
        .web
        .post(format!("{}{case}/materials/1/scan", town.url))
        .header("cookie", window.cookies())
        .header("sec-fetch-site", "same-origin")
        .header(CONTENT_TYPE, format!("multipart/form-data; boundary={edge}"))
        .body(body);
    assert_eq!(scanned.send().await.unwrap().status(), 303);
    assert!(window.get(&format!("{case}/materials/1/file")).await.text.starts_with("%PDF-"));
    assert_eq!(Browser::staff(town, "office2").await.get(&format!("{case}/materials/1/file")).await.status, 404);

    let his = office.word(&case).await;
    let wrong =
        office.post(&format!("{case}/materials/1/hand-back"), &[("w", &his), ("signed_by", "田小满")]).await.text;
    assert!(wrong.contains("不在您的岗位"), "{wrong}");
    assert_eq!(office.post(&format!("{case}/custody"), &[("w", &his)]).await.status, 303);
    assert!(window.get(&case).await.text.contains("原件在民政岗"));
    assert_eq!(window.post(&format!("{case}/custody"), &[("w", &word)]).await.status, 303);
    let back = [("w", word.as_str()), ("signed_by", "田小满")];
    assert_eq!(window.post(&format!("{case}/materials/1/hand-back"), &back).await.status, 303);
    let kept = [("w", word.as_str()), ("kept", "yes")];
    assert_eq!(window.post(&format!("{case}/materials/2/settle"), &kept).await.status, 303);
    let came = [("w", word.as_str()), ("form", "copy"), ("sent", "yes")];
    assert_eq!(window.post(&format!("{case}/materials/3/settle"), &came).await.status, 303);
    let seen = window.get(&case).await.text;
    assert!(
        seen.contains("原件已退还") && seen.contains("告知承诺，核实属实") && seen.contains("复印件（后补）"),
        "{seen}"
    );
    town.deliver().await;
}
