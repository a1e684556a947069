//! The document of the interface is what it was: a change of it is seen before it lands.

use serde_json::Value;
use shuitian::api;

const KEPT: &str = include_str!("openapi.json");

fn document() -> Value {
    serde_json::from_str(&api::document()).unwrap()
}

#[test]
fn the_document_is_the_one_that_is_kept() {
    let now = serde_json::to_string_pretty(&document()).unwrap() + "\n";
    if std::env::var_os("SHUITIAN_KEEP_DOCUMENT").is_some() {
        std::fs::write("tests/it/openapi.json", now).unwrap();
        return;
    }
    let differs = now.lines().zip(KEPT.lines()).position(|(a, b)| a != b);
    assert!(
        now == KEPT,
        "the interface has changed from line {differs:?} on; if that is meant, say why in the commit and keep the new document: \
         SHUITIAN_KEEP_DOCUMENT=1 cargo test --test it spec"
    );
}

#[test]
fn every_operation_has_a_name_a_summary_and_the_one_shape_of_errors() {
    let document = document();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let at = format!("{method} {path}");
            assert!(operation["operationId"].is_string() && operation["summary"].is_string(), "{at}");
            let default =
                &operation["responses"]["default"]["content"]["application/json; charset=utf-8"]["schema"]["$ref"];
            assert_eq!(default, "#/components/schemas/Problem", "{at}");
        }
    }
}

#[test]
fn the_published_names_and_paths_are_there() {
    let document = document();
    for (operation, method, path) in [
        ("sign_in_wechat", "post", "/auth/wechat"),
        ("bind_wechat_phone", "post", "/auth/wechat/phone"),
        ("request_phone_code", "post", "/auth/phone/code"),
        ("sign_in_phone", "post", "/auth/phone"),
        ("sign_in_staff", "post", "/auth/staff"),
        ("refresh", "post", "/auth/refresh"),
        ("sign_out", "post", "/auth/sign-out"),
        ("me", "get", "/auth/me"),
        ("change_password", "post", "/auth/password"),
        ("list_guides", "get", "/guides"),
        ("get_guide", "get", "/guides/{code}"),
        ("list_slots", "get", "/slots"),
        ("book", "post", "/bookings"),
        ("list_bookings", "get", "/bookings"),
        ("get_booking", "get", "/bookings/{id}"),
        ("cancel_booking", "post", "/bookings/{id}/cancel"),
        ("reschedule_booking", "post", "/bookings/{id}/reschedule"),
        ("booking_calendar", "get", "/bookings/{id}/calendar.ics"),
        ("receive_case", "post", "/cases"),
        ("list_cases", "get", "/cases"),
        ("get_case", "get", "/cases/{number}"),
        ("case_receipt", "get", "/cases/{number}/receipt"),
        ("reveal", "post", "/cases/{number}/reveal"),
        ("accept_case", "post", "/cases/{number}/accept"),
        ("refuse_case", "post", "/cases/{number}/refuse"),
        ("decide_case", "post", "/cases/{number}/decide"),
        ("issue_result", "post", "/cases/{number}/issue"),
        ("withdraw_case", "post", "/cases/{number}/withdraw"),
        ("correct_applicant", "post", "/cases/{number}/applicant"),
        ("progress", "post", "/progress"),
        ("get_invitation", "post", "/invitations/open"),
        ("give_review", "post", "/reviews"),
        ("append_review", "post", "/reviews/append"),
        ("check_in", "post", "/attendance/check-ins"),
        ("check_out", "post", "/attendance/check-outs"),
        ("presence_board", "get", "/attendance/board"),
        ("get_bulletin", "get", "/bulletins/{period}"),
        ("draft_bulletin", "post", "/bulletins/{period}/draft"),
        ("sign_bulletin", "post", "/bulletins/{period}/sign"),
        ("figure_rows", "get", "/bulletins/{period}/figures/{key}/rows"),
    ] {
        assert_eq!(document["paths"][path][method]["operationId"], operation, "{method} {path}");
    }
    assert_eq!(document["servers"][0]["url"], "/api/v1");
}
