//! A backup is taken, and taken back by either database.

use crate::ground::{admin, postgres};
use crate::process::run;
use crate::town::{Town, memory_of, rows, stories, tables};
use serde_json::json;
use shuitian::app::App;
use shuitian::base::Error;
use shuitian::base::Random;
use shuitian::domain::archive::{self, End, Scope};
use shuitian::domain::published;
use shuitian::{demo, jobs};
use std::path::Path;

stories!(
    a_township_goes_through_a_file_into_either_database,
    one_of_two_centres_is_taken_alone,
    what_is_not_whole_is_refused_and_nothing_is_changed,
);

const SCHEMA: &str = "m0001_foundation";

async fn backup(app: &App, code: Option<&str>, file: &Path) -> End {
    let mut centres = published::all(app.read()).await.unwrap();
    centres.retain(|c| code.is_none_or(|code| c.code == code));
    let out = std::fs::File::create(file).unwrap();
    let scope = Scope { now: app.clock.now(), schema: SCHEMA.to_owned(), centres: &centres, whole: code.is_none() };
    archive::backup(app.read(), &app.vault, &scope, out, |c, f| app.files.read(c, f), |_, _| ()).await.unwrap()
}

async fn restore(app: &App, file: &Path) -> shuitian::base::Result<()> {
    let open = || std::fs::File::open(file).unwrap();
    archive::check(open(), &app.vault, SCHEMA)?;
    let tx = app.database.begin().await.unwrap();
    let done = archive::restore(&tx, open(), |c, f, bytes| app.files.write(c, f, bytes), |_, _| ()).await;
    match &done {
        Ok(()) => tx.commit().await.unwrap(),
        Err(_) => tx.rollback().await.unwrap(),
    }
    done
}

/// Empty databases of both kinds, with nothing but the schema.
async fn empty(town: &Town, directory: &Path) -> Vec<(App, Option<String>)> {
    use migration::MigratorTrait as _;
    let mut apps = Vec::new();
    let sqlite = format!("sqlite://{}", directory.join("restored.db").display());
    let files = |of: &str| directory.join(of).display().to_string();
    let (disk, other) = (files("sqlite-files"), files("postgres-files"));
    let more = [("DATABASE__URL", sqlite.as_str()), ("REDIS__URL", ""), ("FILES__DIRECTORY", &disk)];
    apps.push((town.another(&more).await, None));
    if let Some(server) = postgres() {
        let name = format!("restored_{}", town.app.random.word(8).to_lowercase());
        let admin = admin(&server).await;
        sea_orm::ConnectionTrait::execute_unprepared(&admin, &format!("create database {name}")).await.unwrap();
        let url = format!("{server}/{name}");
        let more = [("DATABASE__URL", url.as_str()), ("REDIS__URL", ""), ("FILES__DIRECTORY", &other)];
        apps.push((town.another(&more).await, Some(name)));
    }
    for (app, _) in &apps {
        migration::Migrator::up(app.database.writer(), None).await.unwrap();
    }
    apps
}

async fn leave(apps: Vec<(App, Option<String>)>) {
    for (app, name) in apps {
        app.database.close().await;
        if let (Some(name), Some(server)) = (name, postgres()) {
            let drop = format!("drop database {name} with (force)");
            sea_orm::ConnectionTrait::execute_unprepared(&admin(&server).await, &drop).await.unwrap();
        }
    }
}

async fn a_township_goes_through_a_file_into_either_database(town: &Town) {
    let (mut archived, mut all) = (archive::names(), tables());
    archived.extend(["edition", "lease", "delivery_report", "gateway_hold", "wechat_event"]);
    archived.sort_unstable();
    all.sort_unstable();
    assert_eq!(archived, all, "every table is archived but those of the moment");
    let directory = tempfile::tempdir().unwrap();
    let story = async |act: &_| demo::tell(act, &Random::seeded(62), demo::Scale::default(), |_, _| ()).await;
    town.act(story).await;
    let window = town.staff("window1").await;
    window.post("/tickets", json!({})).await.ok(201);
    town.text_from("13800000001", "怎么办").await.ok(200);
    let card = b"%PDF-1.7 a card\n%%EOF";
    let given = town.resident("13800000001").await.upload("material", "身份证.pdf", card).await.ok(201);
    let given = given["id"].as_str().unwrap().parse().unwrap();
    let file = directory.path().join("town.backup");
    let end = backup(&town.app, None, &file).await;
    let counts = town.rows().await;
    assert!(end.tables["service_case"].rows > 100 && end.tables["audit"].rows > 10);
    for (table, sum) in &end.tables {
        assert_eq!(i64::try_from(sum.rows).unwrap(), counts[table], "{table}");
    }
    assert!(end.files == 1 && end.lost.is_empty());
    assert!(end.keys.data.len() == 1 && end.keys.index.len() == 1 && end.keys.token.len() == 1);
    let apps = empty(town, directory.path()).await;
    for (app, _) in &apps {
        restore(app, &file).await.unwrap();
        let again = backup(app, None, &directory.path().join("again.backup")).await;
        assert_eq!(again, end, "every table sums to the same");
        // It works on: what is sealed opens, what is found blindly is found, and the trail is whole.
        let restored = rows(app.read()).await;
        assert_eq!(restored["service_case"], counts["service_case"]);
        let row = shuitian::domain::file::get(app.read(), town.centre.id, given).await.unwrap();
        assert_eq!(app.file_bytes(&row).await.unwrap(), card);
        let here = published::all(app.read()).await.unwrap().remove(0);
        assert_eq!(shuitian::domain::audit::first_break(app.read(), here.id).await.unwrap(), None);
        jobs::tick(app, "restored").await;
        jobs::deliver::all(app).await.unwrap();
        assert!(memory_of(app).sent().iter().all(|s| s.text.starts_with("【")));
        let Err(Error::Refused(refused)) = restore(app, &file).await else { panic!("it was restored twice") };
        assert_eq!(refused.refusal, archive::ALREADY_THERE);
    }
    leave(apps).await;
    // One that is not on the disk any longer is told of, and stops nothing.
    town.app.files.remove(town.centre.id, given).await.unwrap();
    let end = backup(&town.app, None, &directory.path().join("later.backup")).await;
    assert_eq!((end.files, end.lost), (0, vec![given]));
    town.deliver().await;
}

async fn one_of_two_centres_is_taken_alone(town: &Town) {
    let directory = tempfile::tempdir().unwrap();
    town.second_centre().await;
    let file = directory.path().join("one.backup");
    let end = backup(&town.app, Some("QX"), &file).await;
    assert_eq!((end.tables["centre"].rows, end.tables["office"].rows, end.tables["guide"].rows), (1, 8, 0));
    let apps = empty(town, directory.path()).await;
    for (app, _) in &apps {
        restore(app, &file).await.unwrap();
        let codes: Vec<String> = published::all(app.read()).await.unwrap().into_iter().map(|c| c.code).collect();
        assert_eq!(codes, ["QX"]);
        // The other joins it: national tables are there already.
        let other = directory.path().join("other.backup");
        backup(&town.app, Some("ST"), &other).await;
        restore(app, &other).await.unwrap();
        assert_eq!(rows(app.read()).await["guide"], town.rows().await["guide"]);
        assert_eq!(rows(app.read()).await["holiday_day"], town.rows().await["holiday_day"]);
    }
    leave(apps).await;
}

async fn what_is_not_whole_is_refused_and_nothing_is_changed(town: &Town) {
    let directory = tempfile::tempdir().unwrap();
    town.received("SB-03", Some("13800000001")).await;
    town.staff("window1").await.upload("form", "表.pdf", b"%PDF-1.7\n%%EOF").await.ok(201);
    let file = directory.path().join("town.backup");
    backup(&town.app, None, &file).await;
    let mut text = String::new();
    std::io::Read::read_to_string(&mut flate2::read::GzDecoder::new(std::fs::File::open(&file).unwrap()), &mut text)
        .unwrap();
    let apps = empty(town, directory.path()).await;
    let before = rows(apps[0].0.read()).await;
    let refused = async |text: &str| {
        let wrong = directory.path().join("wrong.backup");
        let mut out =
            flate2::write::GzEncoder::new(std::fs::File::create(&wrong).unwrap(), flate2::Compression::fast());
        std::io::Write::write_all(&mut out, text.as_bytes()).unwrap();
        out.finish().unwrap();
        restore(&apps[0].0, &wrong).await.unwrap_err().to_string()
    };
    let lines: Vec<&str> = text.lines().collect();
    for (words, text) in [
        ("it is empty", String::new()),
        ("it is not a backup", "{}\n".to_owned()),
        ("cut short", lines[..lines.len() - 1].join("\n")),
        ("rows were lost or changed", text.replacen("失业登记", "得业登记", 1)),
        (
            "rows were lost or changed",
            lines
                .iter()
                .filter(|l| !l.contains("田小满") && !l.contains("SB-03"))
                .copied()
                .collect::<Vec<_>>()
                .join("\n"),
        ),
        ("was changed", text.replacen(r#","bytes":"A"#, r#","bytes":"B"#, 1)),
        (
            "files were lost",
            lines.iter().filter(|l| !l.contains(r#","bytes":"#)).copied().collect::<Vec<_>>().join("\n"),
        ),
        ("its schema is m0000", text.replacen(SCHEMA, "m0000", 1)),
        ("no table tables", text.replacen(r#"{"table":"bulletin""#, r#"{"table":"tables""#, 1)),
        (
            "the columns of bulletin are others",
            text.replacen(r#""table":"bulletin","columns":["id","#, r#""table":"bulletin","columns":["#, 1),
        ),
    ] {
        let told = refused(&text).await;
        assert!(told.contains(words), "{words}: {told}");
    }
    assert_eq!(rows(apps[0].0.read()).await, before);
    // Without the keys nobody could read it: that is said before anything is put in.
    let keys = directory.path().join("other-keys").display().to_string();
    let other = directory.path().join("other.db").display().to_string();
    let stranger = town
        .another(&[("SECURITY__KEYS_DIR", &keys), ("DATABASE__URL", &format!("sqlite://{other}")), ("REDIS__URL", "")])
        .await;
    let told = archive::check(std::fs::File::open(&file).unwrap(), &stranger.vault, SCHEMA).unwrap_err().to_string();
    assert!(told.contains("keys_missing") && told.contains("data key") && told.contains("index key"), "{told}");
    stranger.database.close().await;
    leave(apps).await;
    town.wait(chrono::Duration::minutes(5)).await;
    town.deliver().await;
}

/// As the operator does it, from one directory to another.
#[test]
fn the_operator_moves_a_township_to_another_machine() {
    let (old, new) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    assert_eq!(run(old.path(), &["demo", "--seed", "7"], &[]).0, 0);
    let file = old.path().join("town.backup").display().to_string();
    let (status, words, errors) = run(old.path(), &["backup", &file], &[]);
    assert!(status == 0 && words.contains("it needs data keys") && words.contains("keep a copy"), "{words}{errors}");
    use std::os::unix::fs::PermissionsExt as _;
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600, "for the owner alone");
    let (status, _, errors) = run(old.path(), &["backup", &file], &[]);
    assert!(status == 1 && errors.contains("is there already"), "{errors}");
    let (status, _, errors) = run(new.path(), &["restore", &file], &[]);
    assert!(status == 1 && errors.contains("keys_missing") && errors.contains("keys_dir"), "{errors}");
    std::fs::remove_dir_all(new.path().join("data")).unwrap();
    std::fs::create_dir_all(new.path().join("data/keys")).unwrap();
    for key in std::fs::read_dir(old.path().join("data/keys")).unwrap() {
        let key = key.unwrap();
        std::fs::copy(key.path(), new.path().join("data/keys").join(key.file_name())).unwrap();
    }
    let (status, words, errors) = run(new.path(), &["restore", &file], &[]);
    assert!(status == 0 && words.contains("every table sums to the same"), "{words}{errors}");
    let (status, _, errors) = run(new.path(), &["restore", &file], &[]);
    assert!(status == 1 && errors.contains("already_there"), "{errors}");
    let (status, _, errors) = run(new.path(), &["restore", "nowhere.backup"], &[]);
    assert!(status == 1 && errors.contains("nowhere.backup"), "{errors}");
}
