//! Forms and samples of guides, and files as such.

use super::draft::{begun, path, published, written};
use crate::town::{Town, stories};
use chrono::Duration;
use entity::file::Entity as Files;
use sea_orm::EntityTrait as _;
use serde_json::json;
use shuitian::access::FORBIDDEN;
use shuitian::access::answer::{BODY_TOO_LARGE, TOO_MANY_UPLOADS};
use shuitian::domain::file;
use shuitian::domain::identity::session::NOT_SIGNED_IN;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

stories!(
    article_4_3_a_form_is_public_once_its_guide_is,
    a_file_is_what_its_content_says_and_lies_sealed_on_the_disk,
    what_nothing_rests_on_is_forgotten_after_a_day,
    no_more_files_are_held_at_once_than_there_is_room_for,
);

const PDF: &[u8] = b"%PDF-1.7\n1 0 obj<<>>endobj\ntrailer<<>>\n%%EOF\n";

/// A picture of a telephone that says where it was taken.
fn photograph() -> Vec<u8> {
    let mut picture =
        b"\xFF\xD8\xFF\xE1\0\x30Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0".to_vec();
    picture.extend_from_slice(b"GPS 29.5N 108");
    picture.extend_from_slice(&[0; 1]);
    picture.extend_from_slice(b"\xFF\xDA\0\x05\x01\x01\0drawing\xFF\xD9and another picture");
    picture
}

/// Files on the disk of a town, with what is in them.
fn disk(town: &Town) -> Vec<(String, Vec<u8>)> {
    let centre = town.app.settings.files.directory.join(town.centre.id.to_string());
    let Ok(entries) = std::fs::read_dir(centre) else { return Vec::new() };
    entries
        .map(|entry| entry.unwrap())
        .map(|e| (e.file_name().into_string().unwrap(), std::fs::read(e.path()).unwrap()))
        .collect()
}

async fn article_4_3_a_form_is_public_once_its_guide_is(town: &Town) {
    let clerk = town.staff("window1").await;
    let form = clerk.upload("form", "就业登记表.pdf", PDF).await.ok(201);
    assert_eq!(
        (&form["name"], &form["media"], &form["size"]),
        (&json!("就业登记表.pdf"), &json!("pdf"), &json!(PDF.len()))
    );
    let id = form["id"].as_str().unwrap();
    let place = format!("/guides/SB-01/files/{id}");
    town.stranger().get(&place).await.refused(file::UNKNOWN_FILE);
    // Somebody's card does not become a sample by its id.
    let card = town.resident("13800000001").await.upload("material", "身份证.pdf", PDF).await.ok(201);
    let draft = begun(&clerk, "SB-01").await;
    let mut content = draft["content"].clone();
    content["materials"] = json!([{ "name": "就业登记表", "sample": card["id"] }]);
    let body = json!({ "revision": 1, "content": content });
    clerk.send(reqwest::Method::PUT, &path(&draft, ""), Some(body)).await.refused(file::UNKNOWN_FILE);
    let draft = written(&clerk, &draft, |c| {
        c["materials"] = json!([{ "name": "就业登记表", "form": "原件", "blank_form": id, "sample": id }]);
    })
    .await;
    town.stranger().get(&place).await.refused(file::UNKNOWN_FILE);
    assert_eq!(town.staff("head1").await.get(&format!("/files/{id}")).await.status, 200, "whoever compiles sees it");
    town.staff("office1").await.get(&format!("/files/{id}")).await.refused(file::UNKNOWN_FILE);
    published(town, &clerk, &draft, json!({})).await;
    let got = town.stranger().get(&place).await;
    assert_eq!((got.status, got.text.as_bytes()), (200, PDF));
    assert_eq!(got.headers["content-type"], "application/pdf");
    assert_eq!(got.headers["x-content-type-options"], "nosniff");
    let name = "attachment; filename*=UTF-8''%E5%B0%B1%E4%B8%9A%E7%99%BB%E8%AE%B0%E8%A1%A8%2Epdf";
    assert_eq!(got.headers["content-disposition"], name);
    town.stranger().get(&format!("/guides/SB-02/files/{id}")).await.refused(file::UNKNOWN_FILE);
    // A file of guides that knows nothing of forms leaves them where they are.
    let before = town.stranger().get("/guides/SB-01").await.ok(200);
    super::import(town, vec![json!({
        "code": "SB-01", "office_code": "SB", "name": before["name"], "office": null, "audience": "自然人", "kind": null,
        "legal_basis": [], "materials": [{ "name": "就业登记表", "form": "原件", "count": 1, "source": null, "issuer_guess": null }],
        "statutory_days": null, "promised_days": 3, "fee": null, "steps": [], "result": null, "online": null,
        "source_url": null, "source_place": null, "note": null
    })])
    .await
    .unwrap();
    assert_eq!(town.stranger().get("/guides/SB-01").await.ok(200)["materials"][0]["blank_form"], json!(id));
}

async fn a_file_is_what_its_content_says_and_lies_sealed_on_the_disk(town: &Town) {
    let resident = town.resident("13800000001").await;
    let photo = resident.upload("material", "C:\\相册\\身份证正面.png", &photograph()).await.ok(201);
    assert_eq!((&photo["name"], &photo["media"]), (&json!("身份证正面.png"), &json!("jpeg")));
    let id = photo["id"].as_str().unwrap();
    let got = resident.get(&format!("/files/{id}")).await;
    assert_eq!(got.headers["content-type"], "image/jpeg");
    assert!(got.text.contains("drawing") && !got.text.contains("GPS") && !got.text.contains("another"));
    let on_disk = disk(town);
    assert_eq!(on_disk.len(), 1);
    assert_eq!(on_disk[0].0, id);
    assert!(!on_disk[0].1.windows(7).any(|w| w == b"drawing"), "sealed");
    // Changed on the disk it is not given out.
    let path = town.app.settings.files.directory.join(town.centre.id.to_string()).join(id);
    let mut changed = on_disk[0].1.clone();
    *changed.last_mut().unwrap() ^= 1;
    std::fs::write(&path, changed).unwrap();
    assert_eq!(resident.get(&format!("/files/{id}")).await.status, 500);
    for (name, bytes) in [
        ("网页.pdf", &b"<html><script>alert(1)</script>"[..]),
        ("程序.png", b"MZ\x90\0"),
        ("空.pdf", b""),
        ("压缩包.docx", b"PK\x03\x04not a text"),
        ("半张.jpg", &photograph()[..60]),
    ] {
        resident.upload("material", name, bytes).await.refused(file::BAD_FILE);
    }
    resident.upload("material", "", PDF).await.refused(file::BAD_FILE_NAME);
    resident.upload("form", "表.pdf", PDF).await.refused(FORBIDDEN);
    let large = [PDF, &vec![b' '; 10 << 20], b"%%EOF"].concat();
    resident.upload("material", "大.pdf", &large).await.refused(file::FILE_TOO_LARGE);
    let larger = vec![b' '; 12 << 20];
    resident.upload("material", "更大.pdf", &larger).await.refused(BODY_TOO_LARGE);
    // A stranger's is not even read.
    town.stranger().upload("material", "表.pdf", PDF).await.refused(NOT_SIGNED_IN);
    town.stranger().upload("material", "大.pdf", &large[..2 << 20]).await.refused(BODY_TOO_LARGE);
    assert_eq!((disk(town).len(), Files::find().all(town.app.read()).await.unwrap().len()), (1, 1));
}

async fn what_nothing_rests_on_is_forgotten_after_a_day(town: &Town) {
    let clerk = town.staff("window1").await;
    let idle = clerk.upload("form", "没人用.pdf", PDF).await.ok(201);
    let form = clerk.upload("form", "就业登记表.pdf", PDF).await.ok(201);
    let draft = begun(&clerk, "SB-01").await;
    written(&clerk, &draft, |c| c["materials"] = json!([{ "name": "就业登记表", "blank_form": form["id"] }])).await;
    town.wait(Duration::hours(23)).await;
    assert_eq!(disk(town).len(), 2);
    town.wait(Duration::hours(2)).await;
    let names: Vec<String> = disk(town).into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, [form["id"].as_str().unwrap()]);
    let clerk = town.staff("window1").await;
    clerk.get(&format!("/files/{}", idle["id"].as_str().unwrap())).await.refused(file::UNKNOWN_FILE);
}

async fn no_more_files_are_held_at_once_than_there_is_room_for(town: &Town) {
    let window = town.staff("window1").await;
    let address = town.url.strip_prefix("http://").unwrap();
    let head = format!(
        "POST /api/v1/files HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {}\r\ncontent-type: multipart/form-data; boundary=x\r\n\
         content-length: 5000000\r\n\r\n--x\r\n",
        window.token.as_ref().unwrap()
    );
    // Six send on and on.
    let mut slow = Vec::new();
    for _ in 0..6 {
        let mut line = TcpStream::connect(address).await.unwrap();
        line.write_all(head.as_bytes()).await.unwrap();
        slow.push(line);
    }
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    window.upload("material", "户口簿.pdf", PDF).await.refused(TOO_MANY_UPLOADS);
    // What is no file goes on meanwhile, and files do when there is room.
    window.get("/cases").await.ok(200);
    slow.pop();
    window.upload("material", "户口簿.pdf", PDF).await.ok(201);
}
