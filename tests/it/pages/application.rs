//! Applying online by page: files, what is missing, and taking it back.

use super::{Browser, hidden};
use crate::town::{Town, stories};
use reqwest::header::CONTENT_TYPE;

stories!(
    a_resident_applies_by_page_gives_what_is_missing_and_takes_it_back,
    article_4_7_an_agents_letter_is_kept_from_the_windows_page,
);

/// Sends a form with files as a browser does: name, name of the file (none for a field), and what it holds.
async fn send(
    town: &Town,
    who: &Browser<'_>,
    path: &str,
    parts: &[(&str, Option<&str>, &str)],
) -> (u16, String, String) {
    let edge = "shuitian-edge";
    let mut body = String::new();
    for (name, file, value) in parts {
        let file = file.map(|f| format!("; filename=\"{f}\"\r\nContent-Type: application/pdf")).unwrap_or_default();
        body += &format!("--{edge}\r\nContent-Disposition: form-data; name=\"{name}\"{file}\r\n\r\n{value}\r\n");
    }
    body += &format!("--{edge}--\r\n");
    let sent = town
        .web
        .post(format!("{}{path}", town.url))
        .header("cookie", who.cookies())
        .header("sec-fetch-site", "same-origin")
        .header(CONTENT_TYPE, format!("multipart/form-data; boundary={edge}"))
        .body(body);
    let answer = sent.send().await.unwrap();
    let place = answer.headers().get("location").map(|l| l.to_str().unwrap().to_owned()).unwrap_or_default();
    (answer.status().as_u16(), place, answer.text().await.unwrap())
}

async fn a_resident_applies_by_page_gives_what_is_missing_and_takes_it_back(town: &Town) {
    const PDF: &str = "%PDF-1.7\n%%EOF";
    crate::case::republish(town, "MZ-01", |guide| guide["materials"][2]["may_follow"] = true.into()).await;
    let (mine, window) = (Browser::resident(town, "13800000001").await, town.staff("window1").await);
    assert!(mine.get("/guides/MZ-01").await.text.contains("/guides/MZ-01/apply"));
    assert!(mine.get("/applications").await.text.contains("还没有办件"));
    let form = mine.get("/guides/MZ-01/apply").await.text;
    assert!(form.contains("最低生活保障申请书") && form.contains("30天内补交"), "{form}");
    let (word, once) = (hidden(&form, "w"), hidden(&form, "once"));
    let text = |name: &'static str, value: &'static str| (name, None, value);
    let path = "/guides/MZ-01/apply";
    // A file that is none says which one it was.
    let none = [
        ("w", None, word.as_str()),
        ("once", None, once.as_str()),
        text("name", "田小满"),
        ("file0", Some("shen.heic"), "no picture"),
    ];
    let (status, _, told) = send(town, &mine, path, &none).await;
    assert!(status == 200 && told.contains("“shen.heic”：这个文件打不开"), "{told}");
    // A wrong name: what was uploaded is there still.
    let wrong = [
        ("w", None, word.as_str()),
        ("once", None, once.as_str()),
        text("name", "\u{202e}人"),
        ("file0", Some("shen.pdf"), PDF),
    ];
    let (status, _, again) = send(town, &mine, path, &wrong).await;
    assert!(status == 200 && again.contains("请填写姓名") && again.contains("已上传：shen.pdf"), "{again}");
    let (once, kept) = (hidden(&again, "once"), hidden(&again, "kept0"));
    let foreign = [("w", None, "somebody"), ("once", None, once.as_str()), text("name", "田小满")];
    assert_eq!(send(town, &mine, path, &foreign).await.0, 403);
    let right = [
        ("w", None, word.as_str()),
        ("once", None, once.as_str()),
        text("name", "田小满"),
        text("phone", "13800000001"),
        ("kept0", None, kept.as_str()),
        ("file1", Some(""), ""),
        text("give2", "follows"),
    ];
    let (status, place, text_of) = send(town, &mine, path, &right).await;
    assert_eq!(status, 303, "{text_of}");
    let (_, again, _) = send(town, &mine, path, &right).await;
    assert_eq!(place, again, "pressed twice, one case");
    // Back in the browser, another file is added: it is no second press, and nothing is said to have come that did not.
    let mut more = right;
    more[5] = ("file1", Some("hu.pdf"), PDF);
    let (status, _, told) = send(town, &mine, path, &more).await;
    assert!(status == 200 && told.contains("已经提交过，但内容不同"), "{told}");
    let seen = mine.get(&place).await.text;
    assert!(
        seen.contains("已收到您的申请") && seen.contains("容缺，12月24日前补交") && seen.contains("收件回执单"),
        "{seen}"
    );
    let place = place.split('?').next().unwrap().to_owned();
    let number = place.rsplit('/').next().unwrap().to_owned();
    let receipt = mine.get(&format!("{place}/receipt")).await.text;
    assert!(receipt.contains("查询码") && receipt.contains("网上提交，系统收件"), "{receipt}");
    // At the window it is seen to have come online, and nobody is said to have been asked first.
    let clerk = Browser::staff(town, "window1").await;
    assert!(clerk.get("/staff/cases").await.text.contains("网上</span>"));
    let case = clerk.get(&format!("/staff/cases/{number}")).await.text;
    assert!(case.contains("<td>网页</td>") && !case.contains("首问责任人"), "{case}");
    let document = seen.split(&format!("{place}/documents/")).nth(1).unwrap().split('"').next().unwrap().to_owned();
    assert_eq!(mine.get(&format!("{place}/documents/{document}")).await.status, 200);
    let other = Browser::resident(town, "13800000002").await;
    for page in [place.clone(), format!("{place}/receipt"), format!("{place}/documents/{document}")] {
        assert_eq!(other.get(&page).await.status, 404, "{page}");
    }
    // What is missing is asked for once, and given by page.
    let wanted =
        serde_json::json!({ "wanted": [{ "material": "居民户口簿", "what": "请上传户主页" }], "until": "2026-12-08" });
    window.post(&format!("/cases/{number}/supplement"), wanted).await.ok(200);
    assert!(mine.get("/applications").await.text.contains("请补材料"));
    let asked = mine.get(&place).await.text;
    assert!(asked.contains("请在12月8日前一次补齐") && asked.contains("请上传户主页"), "{asked}");
    let supply = format!("{place}/supply");
    let nothing = [("w", None, word.as_str()), text("material", "居民户口簿"), ("file0", Some(""), "")];
    assert!(send(town, &mine, &supply, &nothing).await.2.contains("还没有选补来的材料"));
    let book = [("w", None, word.as_str()), text("material", "居民户口簿"), ("file0", Some("hu.pdf"), PDF)];
    assert_eq!(send(town, &other, &supply, &book).await.0, 403, "not his form");
    assert_eq!(send(town, &mine, &supply, &book).await.0, 303);
    assert!(mine.get(&place).await.text.contains("补正材料已收"));
    let back = mine.post(&format!("{place}/withdraw"), &[("w", &word)]).await;
    assert_eq!(back.status, 303, "{}", back.text);
    assert!(mine.get(&place).await.text.contains("已撤回"));
    let late = mine.post(&format!("{place}/withdraw"), &[("w", &word)]).await.text;
    assert!(late.contains("已撤回") && late.contains("不能这样操作"), "{late}");
    town.deliver().await;
}

async fn article_4_7_an_agents_letter_is_kept_from_the_windows_page(town: &Town) {
    let clerk = Browser::staff(town, "window1").await;
    let form = clerk.get("/staff/receive?guide=MZ-01").await.text;
    let (word, once) = (hidden(&form, "w"), hidden(&form, "once"));
    let text = |name: &'static str, value: &'static str| (name, None, value);
    let mut parts = vec![
        ("w", None, word.as_str()),
        ("once", None, once.as_str()),
        text("guide", "MZ-01"),
        text("channel", "agent"),
        text("name", "谢大爷"),
        text("agent_name", "谢小妹"),
        text("agent_kind", "kin"),
        text("authorised_on", "2026-12-24"),
        ("file_letter", Some("wts.pdf"), "%PDF-1.7\n%%EOF"),
    ];
    // A letter of a day to come is refused; the scan is not lost for that.
    let (status, _, told) = send(town, &clerk, "/staff/receive", &parts).await;
    assert!(status == 200 && told.contains("已上传：wts.pdf"), "{told}");
    let (once, kept) = (hidden(&told, "once"), hidden(&told, "kept_letter"));
    (parts[1], parts[7]) = (("once", None, once.as_str()), text("authorised_on", "2026-11-20"));
    parts[8] = ("kept_letter", None, kept.as_str());
    let (status, place, told) = send(town, &clerk, "/staff/receive", &parts).await;
    assert_eq!(status, 303, "{told}");
    let case = clerk.get(&place).await.text;
    assert!(case.contains("谢**") && case.contains("看委托书"), "{case}");
    let letter = clerk.get(&format!("{place}/letter")).await;
    assert_eq!((letter.status, letter.text.starts_with("%PDF")), (200, true));
    // Another office's eyes are not for it.
    assert_eq!(Browser::staff(town, "office4").await.get(&format!("{place}/letter")).await.status, 404);
    assert_eq!(Browser::resident(town, "13800000009").await.get(&format!("{place}/letter")).await.status, 303);
    town.deliver().await;
}
