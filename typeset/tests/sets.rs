//! The press, with the fonts of the machine.

use typeset::Press;

#[test]
fn a_document_is_set_and_what_the_template_does_not_know_is_told() {
    let press = Press::with(None).unwrap();
    let paper = serde_json::json!({
        "centre": "水田乡公共服务中心", "title": "收件回执单", "number": "水田服务收〔2026〕1号", "to": "镕喆堃",
        "paragraphs": ["收到您的材料。"], "head": ["序号", "材料", "份数"], "widths": [1, 5, 2], "rows": [["1", "身份证", "1"]],
        "closing": ["承办科室：民政办"], "signatures": [], "date": "2026年11月28日", "notes": ["请妥善保管。"],
        "check_code": "ABCD-EFGH", "verify_at": "http://127.0.0.1/v",
    });
    let qr = r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 10 10"><rect width="5" height="5"/></svg>"#;
    let pdf = press.pdf(&paper.to_string(), qr).unwrap();
    assert!(pdf.starts_with(b"%PDF-"));
    assert_eq!(press.pdf(&paper.to_string(), qr).unwrap(), pdf, "the same twice");
    assert!(press.pdf("{}", qr).unwrap_err().to_string().contains("typst"));
}
