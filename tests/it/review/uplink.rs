//! Texts that come in: a digit is a grade, where it is clear for what; and whoever says that he is not the person is believed.

use super::token;
use crate::town::{Town, stories};
use chrono::Duration;
use reqwest::Method;
use sea_orm::ConnectionTrait as _;
use serde_json::{Value, json};
use shuitian::access::answer;
use shuitian::domain::{Who, review};

stories!(
    a_bare_digit_counts_only_where_it_is_clear,
    the_same_digit_again_is_a_duplicate_and_another_gets_help_once_a_day,
    a_text_that_says_nothing_is_kept,
    words_to_the_only_open_invitation_become_its_comment,
    whoever_says_he_is_not_the_person_hears_no_more_of_others_matters,
    a_denial_is_heeded_by_every_centre_that_has_written,
    of_two_centres_the_one_that_asked_gets_the_answer,
    the_hook_takes_only_its_secret_and_its_form,
);

async fn a_bare_digit_counts_only_where_it_is_clear(town: &Town) {
    const PHONE: &str = "13800000001";
    town.issued("SB-03", Some(PHONE)).await;
    town.wait(Duration::minutes(1)).await;
    let second = town.issued("WJ-01", Some(PHONE)).await;
    let texts = town.texts(PHONE).await;
    let asks =
        |item: &str, letter: &str| texts.iter().any(|t| t.contains(item) && t.contains(&format!("{letter}5非常满意")));
    assert!(asks("失业登记", "A") && asks("生育服务证登记", "B"), "{texts:?}");
    let says = async |text: &str| town.text_from(PHONE, text).await.ok(200)["outcome"].as_str().unwrap().to_owned();
    assert_eq!(says("5").await, "unclear", "two are open");
    assert!(town.texts(PHONE).await.pop().unwrap().contains("请按短信里的字母"));
    assert_eq!(says("b4").await, "rated");
    // One is open now, but the other was open since its text went out: still unclear.
    assert_eq!(says("5").await, "unclear");
    assert_eq!(says("A 非常满意").await, "rated");
    // A third, alone from its text on, takes a bare digit; its letter is a new one, so a late "B4" is no answer to it.
    town.wait(Duration::minutes(1)).await;
    town.issued("SB-06", Some(PHONE)).await;
    assert!(town.texts(PHONE).await.pop().unwrap().contains("C5非常满意"));
    assert_eq!(says("b4").await, "repeated");
    // A "4" was said today: it may be the same text delivered twice, so it is asked for with the letter.
    assert_eq!(says("4").await, "unclear");
    assert_eq!(says("3").await, "rated");
    assert_eq!(town.rows().await["review"], 3);
    town.stranger()
        .post("/reviews", json!({ "token": token(&second), "grade": 1 }))
        .await
        .refused(review::ALREADY_RATED);
    assert_eq!(
        town.texts(PHONE).await.iter().filter(|t| t.contains("请按短信里的字母")).count(),
        1,
        "one automatic answer a day"
    );
}

async fn the_same_digit_again_is_a_duplicate_and_another_gets_help_once_a_day(town: &Town) {
    const PHONE: &str = "13800000001";
    town.issued("SB-03", Some(PHONE)).await;
    town.deliver().await;
    let says = async |text: &str| town.text_from(PHONE, text).await.ok(200)["outcome"].as_str().unwrap().to_owned();
    assert_eq!(says("5").await, "rated");
    assert_eq!(says("５分").await, "repeated");
    assert_eq!(says("1").await, "unclear");
    assert_eq!(says("1").await, "unclear");
    let helped = async || town.texts(PHONE).await.iter().filter(|t| t.contains("没有待评价的办件")).count();
    assert_eq!(helped().await, 1);
    town.wait(Duration::hours(25)).await;
    assert_eq!(says("5").await, "unclear", "a day later the same digit is no echo");
    assert_eq!(helped().await, 2);
    assert_eq!(town.rows().await["review"], 1);
    assert_eq!(town.rows().await["uplink"], 5, "every text is kept");
}

async fn a_text_that_says_nothing_is_kept(town: &Town) {
    assert_eq!(town.text_from("13800000001", "5").await.ok(200)["outcome"], "kept", "nobody asked this phone");
    assert_eq!(town.text_from("+8613800000001", "请问几点上班").await.ok(200)["outcome"], "kept");
    town.issued("SB-03", Some("13800000001")).await;
    town.deliver().await;
    assert_eq!(town.text_from("13800000001", "办得好").await.ok(200)["outcome"], "commented");
    assert_eq!(town.text_from("106900000000", &"长".repeat(5000)).await.ok(200)["outcome"], "kept");
    town.deliver().await;
    assert_eq!((town.rows().await["review"], town.rows().await["uplink"]), (0, 4));
}

async fn words_to_the_only_open_invitation_become_its_comment(town: &Town) {
    const PHONE: &str = "13800000001";
    let says = async |text: &str| town.text_from(PHONE, text).await.ok(200)["outcome"].as_str().unwrap().to_owned();
    let ended = town.issued("SB-03", Some(PHONE)).await;
    town.deliver().await;
    assert_eq!(says("小李很耐心").await, "commented");
    assert_eq!(says("就是等得久\u{7}了点").await, "commented");
    let help = town.texts(PHONE).await;
    assert_eq!(help.iter().filter(|t| t.contains("请按短信里的字母")).count(), 1, "the grade is asked for, once a day");
    assert_eq!(town.rows().await["review"], 0, "words are no grade");
    assert_eq!(says("A4 现在办好了").await, "rated");
    let comment = async || {
        use sea_orm::{EntityTrait as _, QueryOrder as _};
        let all = entity::review::Entity::find().order_by_desc(entity::review::Column::Id);
        let row = all.one(town.app.read()).await.unwrap().unwrap();
        let place = shuitian::base::vault::Place::new("review.comment", row.centre_id, row.id);
        row.comment.map(|sealed| town.app.vault.open(place, &sealed).unwrap())
    };
    assert_eq!(comment().await.as_deref(), Some("小李很耐心\n就是等得久了点\n现在办好了"));
    town.stranger()
        .post("/reviews", json!({ "token": token(&ended), "grade": 1 }))
        .await
        .refused(review::ALREADY_RATED);
    assert_eq!(says("再见").await, "kept", "nothing is open any more");
    // With two open, nobody guesses which is meant.
    town.wait(Duration::minutes(1)).await;
    town.issued("WJ-01", Some(PHONE)).await;
    let by_link = town.issued("SB-06", Some(PHONE)).await;
    assert_eq!(says("还行").await, "unclear");
    town.stranger().post("/reviews", json!({ "token": token(&by_link), "grade": 5, "comment": "快" })).await.ok(201);
    assert_eq!(comment().await.as_deref(), Some("快"));
    town.deliver().await;
}

async fn whoever_says_he_is_not_the_person_hears_no_more_of_others_matters(town: &Town) {
    const PHONE: &str = "13800000001";
    let says = async |text: &str| town.text_from(PHONE, text).await.ok(200)["outcome"].as_str().unwrap().to_owned();
    let owner = town.resident(PHONE).await;
    let slot = town.slot("SB-03", crate::town::at("2026-11-26", 9, 0)).await;
    let wish = json!({ "slot_id": slot, "guide": "SB-03", "applicant": { "name": "田小满" } });
    let booking = owner.post("/bookings", wish).await.ok(201)["id"].as_str().unwrap().to_owned();
    let old = town.received("SB-06", Some(PHONE)).await["number"].as_str().unwrap().to_owned();
    town.issued("SB-03", Some(PHONE)).await;
    let before = town.texts(PHONE).await.len();
    assert_eq!(says("０").await, "unclear", "an angry 0 to a question for grades is no denial");
    let before = before + town.texts(PHONE).await[before..].len();
    assert_eq!(says(" 不是本人。").await, "not_theirs");
    assert_eq!(says("1").await, "kept", "a stranger rates nobody's case");
    assert_eq!(town.rows().await["review"], 0);
    town.issued("WJ-01", Some(PHONE)).await;
    town.move_to(crate::town::at("2026-11-26", 8, 30)).await;
    assert_eq!(town.texts(PHONE).await.len(), before, "nothing more goes there");
    let withheld = {
        use entity::notice::{Column, Entity};
        use sea_orm::{ColumnTrait as _, EntityTrait as _, PaginatorTrait as _, QueryFilter as _};
        Entity::find().filter(Column::Fault.eq("not_theirs")).count(town.app.read()).await.unwrap()
    };
    assert!(withheld >= 2, "and staff are shown what did not: {withheld}");
    // Whoever has the phone now may sign in, and sees of what was before no more than that it is there.
    let new = town.resident(PHONE).await;
    let seen = new.get(&format!("/bookings/{booking}")).await;
    assert!(!seen.text.contains("田小满"), "{}", seen.text);
    // From here on it is his.
    let slot = town.slot("SB-03", crate::town::at("2026-11-27", 10, 0)).await;
    let wish = json!({ "slot_id": slot, "guide": "SB-03", "applicant": { "name": "向大娘" } });
    new.post("/bookings", wish).await.ok(201);
    assert!(town.texts(PHONE).await.iter().any(|t| t.contains("已约11月27日")));
    // What began before stays another's, whoever has signed in meanwhile; the window can put it right.
    let (window, said) = (town.staff("window1").await, town.texts(PHONE).await.len());
    window.post(&format!("/cases/{old}/accept"), json!({})).await.ok(200);
    town.wait(Duration::minutes(10)).await;
    assert_eq!(town.texts(PHONE).await.len(), said);
    window.post(&format!("/cases/{old}/applicant"), json!({ "phone": PHONE })).await.ok(200);
    assert_eq!(town.rows().await["phone_doubt"], 0);
}

async fn a_denial_is_heeded_by_every_centre_that_has_written(town: &Town) {
    const PHONE: &str = "13800000001";
    // One of them has asked him before, and was answered: that he is another is said to both.
    town.issued("SB-03", Some(PHONE)).await;
    town.deliver().await;
    assert_eq!(town.text_from(PHONE, "5").await.ok(200)["outcome"], "rated");
    let other = town.second_centre().await;
    for centre in [&town.centre, &other] {
        let say = async |act: &_| crate::town::say_texts(act, 1..2).await;
        town.app.write(centre, Who::System("story"), say).await.unwrap();
    }
    town.deliver().await;
    // What breaks off in the middle comes again.
    let rename = async |from: &str, to: &str| {
        let statement = format!("alter table {from} rename to {to}");
        town.app.database.writer().execute_unprepared(&statement).await.unwrap();
    };
    rename("phone_doubt", "away").await;
    town.text_from(PHONE, "打错了").await.ok(500);
    rename("away", "phone_doubt").await;
    assert_eq!(town.text_from(PHONE, "打错了").await.ok(200)["outcome"], "not_theirs");
    assert_eq!(town.rows().await["phone_doubt"], 2);
    let before = town.memory().sent().len();
    for centre in [&town.centre, &other] {
        let again = async |act: &shuitian::domain::Act| {
            let later = act.at(act.now + Duration::milliseconds(1), act.who.clone());
            use shuitian::domain::notice;
            let message = notice::Message {
                key: "again".to_owned(),
                kind: &notice::APPEAL_RULED,
                phone: PHONE.to_owned(),
                values: Vec::new(),
                about: later.id(),
                account: None,
                matter_at: later.now,
                due_at: later.now,
                expires_at: later.now + Duration::days(1),
            };
            notice::say(&later, message).await
        };
        town.app.write(centre, Who::System("story"), again).await.unwrap();
    }
    town.wait(Duration::minutes(1)).await;
    town.deliver().await;
    assert_eq!(town.memory().sent().len(), before, "neither of them writes there any more");
    let asked = town.text_from("13800000005", "打错了").await.ok(200);
    assert_eq!(asked["outcome"], "kept", "nobody has written to that phone");
}

async fn of_two_centres_the_one_that_asked_gets_the_answer(town: &Town) {
    use entity::notice::uplink;
    use entity::review::invitation::{Entity as Invitations, Model as Invitation};
    use sea_orm::{ActiveModelTrait as _, EntityTrait as _, IntoActiveModel as _, QueryOrder as _};
    use shuitian::base::vault::Place;
    const PHONE: &str = "13800000001";
    town.issued("SB-03", Some(PHONE)).await;
    town.deliver().await;
    let other = town.second_centre().await;
    // One gateway serves both, and its address names neither.
    let says = async |phone: &str, text: &str| {
        let outcome = town.text_from(phone, text).await.ok(200)["outcome"].as_str().unwrap().to_owned();
        let last = uplink::Entity::find().order_by_desc(uplink::Column::Id).one(town.app.read()).await.unwrap();
        (outcome, last.unwrap().centre_id)
    };
    let (here, there) = (Some(town.centre.id), Some(other.id));
    assert_eq!(says("13800000002", "5").await, ("kept".into(), None), "nobody asked this phone");
    assert_eq!(says(PHONE, "请问几点上班").await, ("commented".into(), here), "the only one that has to do with it");
    // The other centre asks as well, by the same letter.
    let mine = Invitations::find().one(town.app.read()).await.unwrap().unwrap();
    let (id, vault) = (town.app.random.id(town.app.clock.now()), &town.app.vault);
    let theirs = Invitation {
        id,
        centre_id: other.id,
        service_no: 2,
        token_hash: shuitian::base::vault::sha256(b"other"),
        code: vault.seal(Place::new("invitation.code", other.id, id), "ABCDEF").unwrap(),
        phone: Some(vault.seal(Place::new("invitation.phone", other.id, id), PHONE).unwrap()),
        phone_blind: Some(vault.blind("phone", other.id, PHONE)),
        comment: None,
        ..mine.clone()
    };
    Invitations::insert(theirs.clone().into_active_model())
        .exec_without_returning(town.app.database.writer())
        .await
        .unwrap();
    assert_eq!(says(PHONE, "5").await, ("kept".into(), None), "it may be either's");
    assert_eq!(says(PHONE, "A5").await, ("kept".into(), None), "both wrote an A");
    let renamed = Invitation { tag: Some("B".into()), ..theirs };
    Invitations::update(renamed.into_active_model().reset_all()).exec(town.app.database.writer()).await.unwrap();
    assert_eq!(says(PHONE, "a4").await, ("rated".into(), here));
    // Delivered twice, it is the first one again, and not an answer to the other.
    assert_eq!(says(PHONE, "4").await, ("repeated".into(), here));
    assert_eq!(says(PHONE, "a4").await, ("repeated".into(), here));
    assert_eq!(says(PHONE, "B4").await, ("rated".into(), there));
    // Called by a centre's own address, a text is that centre's.
    let secret = secrecy::ExposeSecret::expose_secret(&town.app.hook_secret);
    let path = format!("/hooks/sms/memory/{secret}/reply?centre=QX");
    let text = json!({ "mobile": "13800000002", "text": "你好" });
    town.stranger().send_to(Method::POST, &path, Some(text)).await.ok(200);
    let last = uplink::Entity::find().order_by_desc(uplink::Column::Id).one(town.app.read()).await.unwrap().unwrap();
    assert_eq!(last.centre_id, there);
    // What is nobody's is resealed with the rest.
    let done = shuitian::domain::reseal::all(&town.app.database, &town.app.vault).await.unwrap();
    assert!(done.contains(&("uplink", 9)), "{done:?}");
    town.deliver().await;
}

async fn the_hook_takes_only_its_secret_and_its_form(town: &Town) {
    use secrecy::ExposeSecret as _;
    let before = town.rows().await;
    let secret = town.app.hook_secret.expose_secret();
    let post = async |path: String, body: Value| town.stranger().send_to(Method::POST, &path, Some(body)).await;
    let text = json!({ "mobile": "13800000001", "text": "5" });
    post("/hooks/sms/memory/wrong/reply".to_owned(), text.clone()).await.refused(answer::NO_ROUTE);
    post(format!("/hooks/sms/tencent/{secret}/reply"), text.clone()).await.refused(answer::NO_ROUTE);
    post(format!("/hooks/sms/memory/{secret}/reply"), json!({ "mobile": "13800000001" }))
        .await
        .refused(answer::UNREADABLE);
    post(format!("/hooks/sms/memory/{secret}/reply"), json!({ "mobile": "1", "text": "5", "x": 1 }))
        .await
        .refused(answer::UNREADABLE);
    assert_eq!(town.rows().await, before);
}
