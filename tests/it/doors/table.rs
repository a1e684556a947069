//! The table, and what each door is brought.

use crate::town::nobody;
use serde_json::{Value, json};
use std::collections::BTreeMap;

pub const ROLES: [&str; 11] = [
    "resident",
    "window1",
    "window2",
    "office1",
    "head1",
    "director",
    "party",
    "personnel",
    "leader",
    "supervisor",
    "admin",
];
const STAFF: [&str; 10] =
    ["window1", "window2", "office1", "head1", "director", "party", "personnel", "leader", "supervisor", "admin"];
const WINDOWS: [&str; 3] = ["window1", "window2", "director"];
const HANDLERS: [&str; 5] = ["window1", "window2", "office1", "head1", "director"];
const READERS: [&str; 7] = ["window1", "window2", "office1", "head1", "director", "leader", "supervisor"];

/// Who may pass each door. An empty list is a door for anybody.
pub fn table() -> BTreeMap<&'static str, Vec<&'static str>> {
    let with_resident = |staff: &[&'static str]| [&["resident"], staff].concat();
    let mut table = BTreeMap::new();
    let mut doors = |names: &[&'static str], who: Vec<&'static str>| {
        for name in names {
            assert!(table.insert(*name, who.clone()).is_none(), "{name} stands twice");
        }
    };
    doors(
        &[
            "sign_in_wechat",
            "request_phone_code",
            "sign_in_phone",
            "sign_in_staff",
            "refresh",
            "list_guides",
            "get_guide",
            "list_guide_versions",
            "get_guide_version",
            "compare_guide_versions",
            "get_guide_file",
            "check_document",
            "list_slots",
            "list_closures",
            "queue",
            "progress",
            "get_invitation",
            "give_review",
            "append_review",
            "list_message_templates",
            "sign_wechat_page",
        ],
        vec![],
    );
    doors(&["sign_out", "me", "change_password"], ROLES.to_vec());
    doors(&["note_consents", "bind_wechat_phone", "open_case", "hold_place", "release_place"], vec!["resident"]);
    doors(&["apply_online", "list_applications"], vec!["resident"]);
    doors(
        &[
            "reschedule_booking",
            "booking_calendar",
            "book",
            "list_bookings",
            "get_booking",
            "cancel_booking",
            "appeal_no_show",
            "arrive",
            "take_ticket",
            "get_ticket",
            "arrive_ticket",
        ],
        with_resident(&WINDOWS),
    );
    doors(&["request_supplement", "suspend_case", "resume_case", "extend_case"], HANDLERS.to_vec());
    doors(&["correct_supplement", "return_guide_draft", "publish_guide", "retire_guide"], vec!["director"]);
    doors(
        &[
            "draft_guide",
            "list_guide_drafts",
            "get_guide_draft",
            "rewrite_guide_draft",
            "submit_guide_draft",
            "drop_guide_draft",
        ],
        vec!["window1", "window2", "head1", "director", "supervisor"],
    );
    doors(&["upload_file", "get_file"], ROLES.to_vec());
    doors(&["list_delegations", "get_delegation_file"], STAFF.to_vec());
    doors(&["keep_delegation_file"], vec!["director"]);
    doors(&["list_matters", "list_gathered", "list_windows", "list_trainings", "list_seals"], STAFF.to_vec());
    doors(
        &["keep_outside", "enter_matter", "end_window", "record_training", "enter_seal", "end_seal"],
        vec!["director"],
    );
    doors(&["ask_window"], vec!["head1", "director"]);
    doors(&["list_rectifications"], vec!["head1", "director", "supervisor"]);
    doors(&["consent_window", "refuse_window"], vec!["leader"]);
    doors(&["give_order", "answer_order", "close_order", "seal_document"], HANDLERS.to_vec());
    doors(&["list_orders", "list_custody"], READERS.to_vec());
    doors(
        &["find_reusable", "get_material_file", "get_authorisation", "complete_supplement"],
        with_resident(&HANDLERS),
    );
    doors(&["settle_material", "hand_back_material", "take_custody", "scan_material"], HANDLERS.to_vec());
    doors(
        &[
            "finish_step",
            "tell_hearing",
            "waive_hearing",
            "void_case",
            "amend_case",
            "list_negatives",
            "look_at_negative",
            "record_consultation",
            "list_consultations",
        ],
        HANDLERS.to_vec(),
    );
    doors(
        &["receive_case", "accept_case", "refuse_case", "decide_case", "issue_result", "correct_applicant"],
        HANDLERS.to_vec(),
    );
    doors(&["list_cases", "get_case", "withdraw_case"], with_resident(&READERS));
    doors(&["case_receipt", "case_receipt_pdf", "list_documents", "get_document"], with_resident(&HANDLERS));
    doors(&["reveal", "search_cases", "export_cases"], READERS.to_vec());
    doors(&["check_in", "check_out", "presence_board"], STAFF.to_vec());
    doors(&["list_posts", "list_handovers", "give_handover", "accept_handover"], STAFF.to_vec());
    doors(&["ask_leave", "list_leaves", "withdraw_leave", "go_out", "list_whereabouts", "come_back"], STAFF.to_vec());
    doors(&["approve_leave", "refuse_leave"], vec!["director", "leader"]);
    doors(&["draft_bulletin", "sign_bulletin"], vec!["director"]);
    doors(
        &["list_no_show_appeals", "rule_on_no_show", "close_day", "reopen_closure", "name_substitute"],
        vec!["director"],
    );
    let at_the_desk = [
        "closure_touched",
        "list_tickets",
        "call_next",
        "call_ticket",
        "recall_ticket",
        "skip_ticket",
        "park_ticket",
        "resume_ticket",
        "transfer_ticket",
        "end_ticket",
        "void_ticket",
        "mark_printed",
        "list_texts",
        "open_text",
        "retry_text",
        "attend_text",
    ];
    doors(&at_the_desk, WINDOWS.to_vec());
    doors(&["list_replies", "read_reply"], vec!["window1", "window2", "director", "supervisor"]);
    // Screens of the hall too, which no role is signed in on.
    doors(&["events"], STAFF.to_vec());
    // Open to anybody for what is published; drafts are not there for others than the director and leaders.
    doors(&["get_bulletin", "figure_rows"], vec![]);
    table
}

/// Bodies that are readable, so that only whose it is can be the reason of a refusal.
pub fn body_of(name: &str) -> Value {
    match name {
        "refuse_case" => json!({ "ground": "不是我们科室的事项" }),
        "decide_case" => json!({ "grant": true }),
        "correct_applicant" => json!({ "name": "别人" }),
        "reschedule_booking" => json!({ "slot_id": nobody() }),
        "appeal_no_show" => json!({ "reason": "不是我的" }),
        "rule_on_no_show" => json!({ "grant": true, "words": "不归我管" }),
        "tell_hearing" | "waive_hearing" | "void_case" => json!({ "ground": "不是我们的事项" }),
        "amend_case" => json!({ "event_id": nobody(), "words": "不是我们的事项" }),
        "look_at_negative" => json!({ "upheld": true }),
        "give_order" => json!({ "words": "别人的办件", "due_on": "2026-11-26" }),
        "answer_order" => json!({ "words": "不是我的办件" }),
        "seal_document" => json!({ "seal": nobody() }),
        "hand_back_material" => json!({ "signed_by": "别人" }),
        "scan_material" | "keep_delegation_file" => json!({ "file_id": nobody() }),
        "end_window" => json!({ "from": "2026-12-01" }),
        "rewrite_guide_draft" => json!({
            "revision": 1,
            "content": { "name": "别的", "audience": [], "legal_basis": [], "materials": [], "steps": [] },
        }),
        "submit_guide_draft" | "publish_guide" => json!({ "revision": 1 }),
        "return_guide_draft" => json!({ "words": "不归我管" }),
        "suspend_case" => json!({ "procedure": "hearing", "ground": "不是我们的事项" }),
        "extend_case" => json!({ "days": 3, "ground": "不是我们的事项" }),
        "request_supplement" => json!({ "wanted": [{ "material": "别的", "what": "别人的" }], "until": "2026-12-01" }),
        "correct_supplement" => json!({ "wanted": [{ "material": "别的", "what": "别人的" }], "why": "写错了" }),
        "complete_supplement" => json!({ "materials": [{ "name": "别的", "form": "copy" }] }),
        "give_handover" => json!({ "words": "不是我的" }),
        "refuse_leave" => json!({ "words": "不归我管" }),
        "call_ticket" => json!({ "desk": "1" }),
        "transfer_ticket" => json!({ "group": "ZH" }),
        "mark_printed" => json!({ "printed": true }),
        "open_text" => json!({ "purpose": "电话告知" }),
        "attend_text" => json!({ "how": "called" }),
        "open_case" => json!({ "check_code": "AAAAAAAA" }),
        "reveal" => json!({ "fields": ["name", "phone"], "purpose": "好奇" }),
        _ => json!({}),
    }
}
