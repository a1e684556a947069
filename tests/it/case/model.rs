//! A case against a small model of it: random acts, legal and not, and after each both stand at the same place.

use super::{number, republish};
use crate::person::{Answer, Person};
use crate::town::{Town, stories};
use serde_json::{Value, json};
use shuitian::base::Random;

stories!(random_acts_lead_where_the_model_says_and_nowhere_else,);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Act {
    Accept,
    Refuse,
    Ask,
    Complete,
    Finish,
    Suspend,
    Resume,
    Extend,
    Grant,
    Deny,
    Issue,
    Withdraw,
    Void,
    Undo,
}

use Act::{Accept, Ask, Complete, Deny, Extend, Finish, Grant, Issue, Refuse, Resume, Suspend, Undo, Void, Withdraw};

const ACTS: [Act; 14] =
    [Accept, Refuse, Ask, Complete, Finish, Suspend, Resume, Extend, Grant, Deny, Issue, Withdraw, Void, Undo];

/// A case as the regulation has it, and nothing else of it.
#[derive(Clone, Debug)]
struct Model {
    state: &'static str,
    asked: bool,
    extended: bool,
    /// The step before the decision is still to be done.
    step: bool,
    /// What moved it, and from where.
    moves: Vec<(Act, &'static str)>,
}

impl Model {
    const fn new(step: bool) -> Self {
        Self { state: "received", asked: false, extended: false, step, moves: Vec::new() }
    }

    /// Where an act leads; nowhere, if it is not allowed.
    fn after(&self, act: Act) -> Option<Self> {
        let to = |state| {
            let mut moves = self.moves.clone();
            moves.push((act, self.state));
            Some(Self { state, moves, ..self.clone() })
        };
        match (act, self.state) {
            (Accept, "received") => to("accepted"),
            (Refuse, "received" | "supplement") => to("refused"),
            (Ask, "received") if !self.asked => Some(Self { asked: true, ..to("supplement")? }),
            (Complete, "supplement") => to("received"),
            (Finish, "accepted") if self.step => Some(Self { step: false, ..self.clone() }),
            (Suspend, "accepted") => to("suspended"),
            (Resume, "suspended") => to("accepted"),
            (Extend, "accepted") if !self.extended => Some(Self { extended: true, ..self.clone() }),
            (Grant, "accepted") if !self.step => to("granted"),
            (Deny, "accepted") if !self.step => to("denied"),
            (Issue, "granted") => to("issued"),
            (Withdraw, "received" | "supplement" | "accepted" | "suspended" | "granted") => to("withdrawn"),
            (Void, "received" | "supplement" | "accepted" | "suspended" | "granted") => to("void"),
            (Undo, _) => {
                let mut moves = self.moves.clone();
                let (last, from) = moves.pop()?;
                let undone = matches!(last, Refuse | Grant | Deny | Issue | Withdraw | Void);
                undone.then(|| Self { state: from, moves, ..self.clone() })
            }
            _ => None,
        }
    }
}

struct Staff<'t> {
    window: Person<'t>,
    office: Person<'t>,
    director: Person<'t>,
}

/// The event that may be undone: the last decision or end that was not yet.
fn to_undo(case: &Value) -> Value {
    let events = case["timeline"].as_array().unwrap();
    let amended = |id: &Value| events.iter().any(|e| e["amends"] == *id);
    let ends = ["refused", "granted", "denied", "issued", "withdrawn", "void"];
    let of = |e: &&Value| ends.contains(&e["kind"].as_str().unwrap()) && !amended(&e["id"]);
    events.iter().rev().find(of).or_else(|| events.last()).unwrap()["id"].clone()
}

async fn press(staff: &Staff<'_>, case: &str, material: &str, act: Act) -> Answer {
    let Staff { window, office, director } = staff;
    let wanted = json!([{ "material": material, "what": "缺签字" }]);
    let (who, what, body) = match act {
        Accept => (window, "accept", json!({})),
        Refuse => (window, "refuse", json!({ "ground": "户籍不在本乡，不符合条件" })),
        Ask => (window, "supplement", json!({ "wanted": wanted, "until": "2026-12-04" })),
        Complete => (window, "supplement/complete", json!({ "materials": [{ "name": material, "form": "copy" }] })),
        Finish => (office, "steps/1/finish", json!({})),
        Suspend => (office, "suspend", json!({ "procedure": "expert_review", "ground": "请专家评审" })),
        Resume => (office, "resume", json!({})),
        Extend => (director, "extend", json!({ "days": 2, "ground": "入户核查路断了" })),
        Grant => (office, "decide", json!({ "grant": true })),
        Deny => (office, "decide", json!({ "grant": false, "ground": "收入超过保障标准" })),
        Issue => (window, "issue", json!({})),
        Withdraw => (window, "withdraw", json!({})),
        Void => (director, "void", json!({ "ground": "重复收件，作废这一件" })),
        Undo => {
            let wrong = to_undo(&director.get(&format!("/cases/{case}")).await.ok(200));
            (director, "amend", json!({ "event_id": wrong, "words": "看错了材料，应当重办", "undo": true }))
        }
    };
    who.post(&format!("/cases/{case}/{what}"), body).await
}

async fn random_acts_lead_where_the_model_says_and_nowhere_else(town: &Town) {
    let flow = json!([{ "name": "入户调查", "kind": "handle", "post": "MZ1", "days": 2 }]);
    republish(town, "MZ-02", |guide| guide["flow"] = flow).await;
    let staff = Staff {
        window: town.staff("window1").await,
        office: town.staff("office1").await,
        director: town.staff("director").await,
    };
    let random = Random::seeded(20_261_128);
    let (mut legal, mut illegal) = (0, 0);
    for turn in 0..30 {
        let guide = if turn % 2 == 0 { "MZ-01" } else { "MZ-02" };
        let read = town.stranger().get(&format!("/guides/{guide}")).await.ok(200);
        let material = read["materials"][0]["name"].as_str().unwrap().to_owned();
        let intake = json!({ "guide": guide, "channel": "window", "applicant": { "name": "田小满" } });
        let received = staff.window.post("/cases", intake).await.ok(201);
        let (case, mut model) = (number(&received), Model::new(guide == "MZ-02"));
        let mut told = Vec::new();
        for _ in 0..14 {
            // Half of them lead somewhere, so that cases come to their ends.
            let drawn = ACTS[usize::try_from(random.between(0, 13)).unwrap()];
            let allowed: Vec<Act> = ACTS.into_iter().filter(|act| model.after(*act).is_some()).collect();
            let act = match random.between(0, 1) {
                1 if !allowed.is_empty() => {
                    let last = i64::try_from(allowed.len()).unwrap() - 1;
                    allowed[usize::try_from(random.between(0, last)).unwrap()]
                }
                _ => drawn,
            };
            told.push(act);
            let answer = press(&staff, &case, &material, act).await;
            let expected = model.after(act);
            assert_eq!(answer.status == 200, expected.is_some(), "{told:?} from {}: {}", model.state, answer.text);
            assert!(answer.status < 500, "{told:?}: {}", answer.text);
            match expected {
                Some(next) => (model, legal) = (next, legal + 1),
                None => illegal += 1,
            }
            let stands = staff.director.get(&format!("/cases/{case}")).await.ok(200);
            assert_eq!(stands["state"], model.state, "{told:?}");
        }
    }
    assert!(legal > 100 && illegal > 60, "{legal} legal, {illegal} illegal");
}
