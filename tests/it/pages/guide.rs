//! Guides by page: read, printed, drafted, looked through and published.

use super::Browser;
use crate::town::{Town, stories};
use scraper::{ElementRef, Html, Selector};
use serde_json::json;
use shuitian::base::media;

stories!(
    article_4_3_a_guide_is_drafted_and_published_by_page,
    a_form_that_is_sent_back_as_it_is_changes_nothing,
    a_guide_is_read_on_its_page_and_on_paper,
);

/// The fields of the form on a page that is sent here, as a browser would send them untouched.
fn filled(page: &str, action: &str) -> Vec<(String, String)> {
    let page = Html::parse_document(page);
    let all = |of: &str| Selector::parse(of).unwrap();
    let (form, fields) = (all(&format!("form[action='{action}']")), all("input, select, textarea"));
    let chosen = |field: &ElementRef<'_>, of: &str| {
        field.select(&all(of)).next().and_then(|o| o.attr("value").map(str::to_owned))
    };
    let value = |field: ElementRef<'_>| match field.value().name() {
        "select" => chosen(&field, "option[selected]").or_else(|| chosen(&field, "option")),
        // A browser drops the first line's end, and ends lines its own way.
        "textarea" => Some(field.text().collect::<String>().trim_start_matches('\n').replace('\n', "\r\n")),
        _ if field.attr("type") == Some("checkbox") && field.attr("checked").is_none() => None,
        // One line holds no other.
        _ => Some(field.attr("value").unwrap_or_default().replace('\n', "")),
    };
    let form = page.select(&form).next().unwrap_or_else(|| panic!("no form {action}"));
    form.select(&fields).filter_map(|f| Some((f.attr("name")?.to_owned(), value(f)?))).collect()
}

async fn send(
    browser: &Browser<'_>,
    action: &str,
    fields: &[(String, String)],
    more: &[(&str, &str)],
) -> crate::person::Answer {
    let kept = fields.iter().filter(|(name, _)| !more.iter().any(|(n, _)| n == name));
    let form: Vec<(&str, &str)> = kept.map(|(n, v)| (n.as_str(), v.as_str())).chain(more.iter().copied()).collect();
    browser.post(action, &form).await
}

/// A draft that was begun by page; gives its address.
async fn begun(browser: &Browser<'_>, code: &str) -> String {
    let word = browser.word("/staff/guides").await;
    let answer = browser.post("/staff/guides", &[("w", &word), ("code", code)]).await;
    assert_eq!(answer.status, 303, "{}", answer.text);
    answer.headers["location"].to_str().unwrap().to_owned()
}

async fn article_4_3_a_guide_is_drafted_and_published_by_page(town: &Town) {
    let (clerk, director) = (Browser::staff(town, "window1").await, Browser::staff(town, "director").await);
    let list = clerk.get("/staff/guides").await.text;
    assert!(list.contains("没有草案") && list.contains("前复核"));
    let place = begun(&clerk, "SB-01").await;
    let fields = filled(&clerk.get(&place).await.text, &place);
    let materials = fields
        .iter()
        .filter(|(name, value)| name.ends_with(".name") && name.starts_with('m') && !value.is_empty())
        .count();
    let next = format!("m{materials}.name");
    let vague = [(next.as_str(), "其他相关证明材料"), ("conditions", "本乡户籍\n\n年满16周岁"), ("do", "submit")];
    let answer = send(&clerk, &place, &fields, &vague).await;
    assert!(
        answer.status == 200 && answer.text.contains("管理办法 4.3") && answer.text.contains("的名称：第1字起"),
        "{}",
        answer.text
    );
    // What was typed is there, for all that.
    let fields = filled(&answer.text, &place);
    assert!(fields.contains(&(next.clone(), "其他相关证明材料".to_owned())));
    assert!(fields.contains(&("conditions".to_owned(), "本乡户籍\r\n年满16周岁".to_owned())));
    let stale = send(&clerk, &place, &fields, &[("revision", "1"), ("do", "save")]).await;
    assert!(stale.text.contains("刚被别人改过"));
    let named = [
        (next.as_str(), "就业登记表"),
        ("do", "save"),
        ("visits", "1"),
        ("f0.name", "审核"),
        ("f0.post", "SB1"),
        ("f0.days", "1"),
        ("promised_days", "3"),
    ];
    assert_eq!(send(&clerk, &place, &fields, &named).await.status, 303);
    // A blank form for it, from a page of ours and from no other.
    let page = clerk.get(&place).await.text;
    let upload = format!("{place}/form");
    let of = filled(&page, &upload);
    let word = of.iter().find(|(n, _)| n == "w").unwrap().1.clone();
    let revision = of.iter().find(|(n, _)| n == "revision").unwrap().1.clone();
    let material = materials.to_string();
    let form = |word: &str| {
        let mut parts = String::new();
        for (name, value) in [("w", word), ("revision", &revision), ("material", &material), ("as", "blank_form")] {
            parts += &format!("--edge\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
        }
        let file = "--edge\r\nContent-Disposition: form-data; name=\"file\"; filename=\"表.pdf\"\r\n\r\n";
        format!("{parts}{file}%PDF-1.7\n%%EOF\r\n--edge--\r\n")
    };
    let give = async |word: &str| {
        let request = town.web.post(format!("{}{upload}", town.url)).header("cookie", clerk.cookies());
        let request = request.header("content-type", "multipart/form-data; boundary=edge");
        crate::person::Answer::of(request.body(form(word)).send().await.unwrap()).await
    };
    assert_eq!(give("somebody-else").await.status, 403);
    assert_eq!(give(&word).await.status, 303);
    let page = clerk.get(&place).await.text;
    assert!(page.contains("就业登记表（有空白表格）") && page.contains("与现行版比较"));
    let fields = filled(&page, &place);
    assert_eq!(send(&clerk, &place, &fields, &[("do", "submit")]).await.status, 303);
    assert!(
        director.get("/staff").await.text.contains("待办草案1") && !clerk.get("/staff").await.text.contains("待办草案")
    );
    assert!(!clerk.get(&place).await.text.contains("value=\"publish\""), "it is the director's");
    // He reads the whole of it, and each change, before he says so; the form that came with it can be opened.
    let read = director.get(&place).await.text;
    for said in [
        "草案全文",
        "改了什么",
        "材料清单",
        "材料《就业登记表》的空白表格",
        "审核（承办，",
        "，1个工作日）",
        "年满16周岁",
        "到现场次数",
    ] {
        assert!(read.contains(said), "{said}: {read}");
    }
    let form = read.split(&format!("{place}/forms/")).nth(1).unwrap()[..36].to_owned();
    assert_eq!(
        director.get(&format!("{place}/forms/{form}")).await.headers["content-disposition"]
            .to_str()
            .unwrap()
            .split(';')
            .next(),
        Some("attachment")
    );
    let stranger = form.replace(|c: char| c.is_ascii_digit(), "0");
    assert_eq!(director.get(&format!("{place}/forms/{stranger}")).await.status, 404);
    let head = Browser::staff(town, "head1").await;
    assert_eq!(head.get(&format!("{place}/forms/{form}")).await.status, 404, "another office's draft");
    assert!(!head.get("/staff/guides").await.text.contains("value=\"SB-01\"><button class=\"plain\">起草"));
    let his = filled(&read, &place);
    assert_eq!(send(&clerk, &place, &[("w".to_owned(), word)], &[("do", "publish")]).await.status, 200);
    let soon = [("do", "publish"), ("from", "2026-11-20"), ("review_on", "")];
    assert!(send(&director, &place, &his, &soon).await.text.contains("生效日应在今天起"));
    let now = [("do", "publish"), ("from", ""), ("review_on", "2027-06-30")];
    let done = send(&director, &place, &his, &now).await;
    assert_eq!((done.status, done.headers["location"].to_str().unwrap()), (303, "/staff/guides?done=published"));
    assert!(director.get("/staff/guides?done=published").await.text.contains("已发布"));
    assert!(!director.get("/staff/guides?done=<b>").await.text.contains("<b>&lt;"), "only words of ours are shown");
    assert!(director.get("/staff/guides").await.text.contains("2027-06-30前复核"));
    let shown = Browser::new(town).get("/guides/SB-01").await.text;
    assert!(
        shown.contains("就业登记表")
            && shown.contains("空白表格")
            && shown.contains("年满16周岁")
            && shown.contains("1次")
    );
    let file = shown.split("/files/").nth(1).unwrap()[..36].to_owned();
    let got = town.stranger().get(&format!("/guides/SB-01/files/{file}")).await;
    assert_eq!(got.headers["content-type"], media::mime(entity::file::MediaType::Pdf));
    let last = director.word("/staff/guides").await;
    let end = [("w", last.as_str()), ("code", "SB-02"), ("last_day", "soon"), ("why", "调整到县人社局办理")];
    assert!(director.post("/staff/guides/retire", &end).await.text.contains("管理办法 4.3"));
    let end = [("w", last.as_str()), ("code", "SB-02"), ("last_day", "2026-12-31"), ("why", "调整到县人社局办理")];
    assert_eq!(director.post("/staff/guides/retire", &end).await.status, 303);
    assert!(director.get("/staff/guides").await.text.contains("2026-12-31后停办"));
    // What a new version would undo of that is said before it is published.
    let anew = begun(&clerk, "SB-02").await;
    assert!(director.get(&anew).await.text.contains("停办（定于2026-12-31为最后一天）将取消"));
    // A matter that is handled elsewhere says where, and offers nothing here.
    let ground =
        json!({ "from": "2026-11-24", "ground": "使用市级系统，系统未下放", "place": "区人社局二楼 023-68830000" });
    let outside = town.staff("director").await.post("/matters/SB-03/outside", ground).await;
    assert_eq!(outside.status, 204, "{}", outside.text);
    let page = Browser::new(town).get("/guides/SB-03").await.text;
    assert!(
        page.contains("区人社局二楼 023-68830000") && !page.contains("/slots") && !page.contains("/apply"),
        "{page}"
    );
    assert_eq!(Browser::new(town).get("/guides/SB-03/slots").await.status, 409);
    assert_eq!(clerk.get("/staff/receive?guide=SB-03").await.status, 409);
    assert!(!clerk.get("/staff/receive").await.text.contains("value=\"SB-03\""));
    let resident = Browser::resident(town, "13800000009").await;
    assert_eq!(resident.get("/guides/SB-03/apply").await.status, 409);
}

async fn a_form_that_is_sent_back_as_it_is_changes_nothing(town: &Town) {
    let clerk = Browser::staff(town, "window1").await;
    let codes: serde_json::Value = serde_json::from_str(include_str!("../../../seed/guide_codes.json")).unwrap();
    let read = town.staff("window1").await;
    for code in codes.as_object().unwrap().values().map(|row| row[0].as_str().unwrap()) {
        let place = begun(&clerk, code).await;
        let id = place.rsplit('/').next().unwrap().to_owned();
        let before = read.get(&format!("/guides/drafts/{id}")).await.ok(200);
        assert_eq!(before["faults"], json!([]), "{code}");
        let fields = filled(&clerk.get(&place).await.text, &place);
        assert_eq!(send(&clerk, &place, &fields, &[("do", "save")]).await.status, 303);
        let after = read.get(&format!("/guides/drafts/{id}")).await.ok(200);
        assert_eq!(after["content"], before["content"], "{code}");
        assert_eq!(after["revision"], 2);
    }
}

async fn a_guide_is_read_on_its_page_and_on_paper(town: &Town) {
    let nobody = Browser::new(town);
    let page = nobody.get("/guides/SB-03").await.text;
    assert!(page.contains("href=\"/guides/SB-03/print\"") && page.contains("href=\"/api/v1/guides/SB-03\""));
    let paper = nobody.get("/guides/SB-03/print").await;
    assert_eq!(paper.status, 200);
    for words in ["办事指南：失业登记", "SB-03 第1版，自2026年", "<svg", "要求您提供指南以外材料的"]
    {
        assert!(paper.text.contains(words), "{words}");
    }
    assert_eq!(nobody.get("/guides/XX-1/print").await.status, 404);
}
