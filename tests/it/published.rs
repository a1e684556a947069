//! What is published is read once an edition, by every program for itself, and never answered older than it is.

use crate::town::{Town, stories};
use entity::guide;
use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _};
use serde_json::{Value, json};
use shuitian::app::App;
use shuitian::base::Error;
use shuitian::domain::guide::GuideFile;
use shuitian::domain::{Publishing, Who};
use std::sync::Arc;
use tokio::sync::Barrier;

stories!(
    what_one_program_publishes_the_other_answers_at_once,
    what_was_read_before_is_never_answered_after,
    what_is_taken_back_was_never_published,
);

/// A shipped guide under another name.
fn renamed(name: &str) -> Vec<GuideFile> {
    let mut files: Vec<Value> = serde_json::from_str(include_str!("../../seed/guides.json")).unwrap();
    files.retain(|f| f["name"] == "失业登记");
    (files[0]["code"], files[0]["office_code"], files[0]["name"]) = (json!("SB-03"), json!("SB"), json!(name));
    files.into_iter().map(|f| serde_json::from_value(f).unwrap()).collect()
}

async fn publish(app: &App, name: &str) {
    let centre = app.published().await.unwrap().centres[0].clone();
    let files = renamed(name);
    let import = async |act: &Publishing| shuitian::domain::guide::import(act, files).await.map(drop);
    app.publish(&centre, Who::Operator, import).await.unwrap();
}

/// The name of the guide as a program answers it.
async fn name(app: &App) -> String {
    let published = app.published().await.unwrap();
    let guide = shuitian::domain::guide::get(app.read(), &published.centres[0], "SB-03").await.unwrap();
    guide.version.content.name.clone()
}

async fn what_one_program_publishes_the_other_answers_at_once(town: &Town) {
    let (one, two) = (town.another(&[]).await, town.another(&[]).await);
    for n in 0..20 {
        let (by, other) = if n % 2 == 0 { (&one, &two) } else { (&two, &one) };
        let new = format!("失业登记{n}");
        publish(by, &new).await;
        assert_eq!((name(by).await, name(other).await), (new.clone(), new.clone()));
        let shown = town.stranger().get("/guides/SB-03").await.ok(200);
        assert_eq!(shown["name"], new, "and so does the one that serves");
    }
    // Where nothing is published, nothing is read again: it is the same in memory.
    let (before, after) = (one.published().await.unwrap(), one.published().await.unwrap());
    assert!(Arc::ptr_eq(&before, &after));
    for app in [one, two] {
        app.database.close().await;
    }
}

/// What a reader keeps that was held up between reading and keeping.
struct Kept(String);

async fn read(app: &App) -> Result<Kept, Error> {
    let row = guide::Entity::find().filter(guide::Column::Code.eq("SB-03")).one(app.read()).await?;
    Ok(Kept(row.unwrap().name))
}

/// A thousand times: one program reads, is held up, another publishes and has answered, the first keeps what it read. Whoever
/// asks then, of either, is told the new.
async fn what_was_read_before_is_never_answered_after(town: &Town) {
    let (reader, writer) = (town.another(&[]).await, town.another(&[]).await);
    for n in 0..1000 {
        let new = format!("失业登记{n}");
        let (has_read, has_answered) = (Barrier::new(2), Barrier::new(2));
        // An edition of which nobody keeps anything yet.
        writer.establish(async |_| Ok(())).await.unwrap();
        let late = async {
            let published = reader.published().await.unwrap();
            let kept = published.centres[0].part(async |_| {
                let kept = read(&reader).await;
                has_read.wait().await;
                has_answered.wait().await;
                kept
            });
            kept.await.unwrap()
        };
        let publishing = async {
            has_read.wait().await;
            let rename = guide::Entity::update_many()
                .col_expr(guide::Column::Name, new.clone().into())
                .filter(guide::Column::Code.eq("SB-03"));
            writer.establish(async |tx| Ok(rename.exec(tx).await?)).await.unwrap();
            has_answered.wait().await;
        };
        let (late, ()) = tokio::join!(late, publishing);
        assert_ne!(late.0, new, "it was read before");
        for app in [&reader, &writer] {
            let published = app.published().await.unwrap();
            let kept = published.centres[0].part(async |_| read(app).await).await.unwrap();
            assert_eq!(kept.0, new);
        }
    }
    for app in [reader, writer] {
        app.database.close().await;
    }
}

async fn what_is_taken_back_was_never_published(town: &Town) {
    let app = town.another(&[]).await;
    let (before, edition) = (name(&app).await, app.published().await.unwrap().edition);
    let files = renamed("谁也没见过的名字");
    let import = async |act: &Publishing| {
        shuitian::domain::guide::import(act, files).await?;
        // It reads what it wrote itself, and keeps it for nobody.
        let seen = shuitian::domain::guide::get(&*act.tx, &act.centre, "SB-03").await?;
        assert_eq!(seen.version.content.name, "谁也没见过的名字");
        Err::<(), _>(Error::from(shuitian::domain::guide::UNKNOWN_GUIDE))
    };
    let centre = app.published().await.unwrap().centres[0].clone();
    app.publish(&centre, Who::Operator, import).await.unwrap_err();
    assert_eq!((name(&app).await, app.published().await.unwrap().edition), (before, edition));
    app.database.close().await;
}
