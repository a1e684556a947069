//! The house stands: nothing imports a floor above its own, and no noun one below it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Floors by the first word of a path in `src`.
const FLOORS: [(&str, u8); 14] = [
    ("base", 1),
    ("domain", 2),
    ("gateway", 2),
    ("app", 3),
    ("access", 3),
    ("document", 3),
    ("api", 4),
    ("pages", 4),
    ("jobs", 4),
    ("demo", 4),
    ("monitor", 4),
    ("serve", 5),
    ("command", 6),
    ("main", 7),
];

/// On one floor, who may use whom: both read the state, and a document's bytes are made once and kept there.
const BESIDE: [(&str, &str); 2] = [("access", "app"), ("document", "app")];

fn sources() -> Vec<(PathBuf, String)> {
    let found = below(Path::new("src"));
    assert!(found.len() > 50, "the sources were not found");
    found
}

/// The Rust files in a folder and below it.
fn below(folder: &Path) -> Vec<(PathBuf, String)> {
    fn walk(directory: &Path, found: &mut Vec<(PathBuf, String)>) {
        for entry in std::fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, found);
            } else if path.extension().is_some_and(|e| e == "rs") {
                found.push((path.clone(), std::fs::read_to_string(&path).unwrap()));
            }
        }
    }
    let mut found = Vec::new();
    walk(folder, &mut found);
    found.sort();
    found
}

/// The part of a file that ships: unit tests may look where they like.
fn shipped(text: &str) -> &str {
    text.split("#[cfg(test)]").next().unwrap_or(text)
}

/// First words after `crate::` in code, as floors and nouns are named there.
fn uses(text: &str, root: &str) -> Vec<String> {
    let mut found = Vec::new();
    for line in shipped(text).lines().filter(|l| !l.trim_start().starts_with("//")) {
        for part in line.split(root).skip(1) {
            if let Some(group) = part.strip_prefix('{') {
                let mut depth = 0;
                let mut word = String::new();
                for c in group.chars() {
                    match c {
                        '{' => depth += 1,
                        '}' if depth == 0 => break,
                        '}' => depth -= 1,
                        ',' if depth == 0 => {
                            found.push(std::mem::take(&mut word));
                            continue;
                        }
                        _ => {}
                    }
                    word.push(c);
                }
                found.push(word);
            } else {
                found.push(part.to_owned());
            }
        }
    }
    let first =
        |word: String| word.trim().split(|c: char| !(c.is_alphanumeric() || c == '_')).next().unwrap_or("").to_owned();
    found.into_iter().map(first).filter(|w| !w.is_empty()).collect()
}

#[test]
fn nothing_imports_a_floor_above_its_own() {
    let floors: BTreeMap<&str, u8> = FLOORS.into_iter().collect();
    let mut arrows = 0;
    for (path, text) in sources() {
        let place = path
            .strip_prefix("src")
            .unwrap()
            .components()
            .next()
            .unwrap()
            .as_os_str()
            .to_string_lossy()
            .replace(".rs", "");
        let Some(floor) = floors.get(place.as_str()) else {
            assert_eq!(place, "lib", "{} is on no floor", path.display());
            continue;
        };
        for used in uses(&text, "crate::") {
            let Some(other) = floors.get(used.as_str()) else { continue };
            let fine = other < floor || used == place || BESIDE.contains(&(place.as_str(), used.as_str()));
            assert!(fine, "{} ({place}, floor {floor}) uses {used} (floor {other})", path.display());
            arrows += 1;
        }
    }
    assert!(arrows > 100, "the arrows were not read");
}

#[test]
fn a_noun_imports_only_nouns_above_it() {
    let list = std::fs::read_to_string("src/domain/mod.rs").unwrap();
    let order: Vec<&str> =
        list.lines().filter_map(|l| l.strip_prefix("pub mod ")).map(|l| l.trim_end_matches(';')).collect();
    assert_eq!(order[..2], ["published", "act"]);
    let place = |noun: &str| order.iter().position(|n| *n == noun);
    let mut arrows = 0;
    for (path, text) in sources() {
        let Ok(inside) = path.strip_prefix("src/domain") else { continue };
        let noun = inside.components().next().unwrap().as_os_str().to_string_lossy().replace(".rs", "");
        let Some(own) = place(&noun) else { continue };
        // A file of the noun itself says `super::`, one in its folder `crate::domain::` or `super::super::`.
        let mut used = uses(&text, "crate::domain::");
        if inside.components().count() == 1 {
            used.extend(uses(&text, "super::"));
        } else {
            used.extend(uses(&text, "super::super::"));
        }
        for other in used {
            let Some(theirs) = place(&other) else { continue };
            assert!(theirs <= own, "{} imports {other}, which comes after {noun}", path.display());
            arrows += 1;
        }
    }
    assert!(arrows > 40, "the arrows were not read");
}

#[test]
fn the_rules_know_no_http_no_redis_and_send_nothing() {
    for (path, text) in sources() {
        let domain = path.starts_with("src/domain") || path.starts_with("src/base");
        for word in ["poem::", "poem_openapi", "reqwest", "redis::"] {
            assert!(!(domain && shipped(&text).contains(word)), "{} knows {word}", path.display());
        }
        let gateway = path.starts_with("src/gateway");
        assert!(!(gateway && text.contains("crate::domain")), "{} knows a noun", path.display());
        // One place begins transactions; the few others are named here.
        let begins = ["src/app.rs", "src/base/database.rs", "src/domain/reseal.rs"];
        let allowed = begins.iter().any(|p| path == Path::new(p));
        assert!(allowed || !shipped(&text).contains(".begin()"), "{} begins a transaction", path.display());
    }
}

#[test]
fn migrations_import_nothing_of_ours() {
    let steps = below(Path::new("migration/src"));
    assert!(steps.len() >= 2, "the steps were not found");
    for (path, text) in steps {
        assert!(!text.contains("entity") && !text.contains("shuitian::"), "{}", path.display());
    }
}

#[test]
fn every_sealed_column_is_known_to_resealing() {
    use shuitian::domain::reseal;
    let mut sealed = Vec::new();
    for (path, text) in sources() {
        if !path.starts_with("src/domain") || path.ends_with("reseal.rs") {
            continue;
        }
        for call in ["seal(\"", "Place::new(\"", "open(\""] {
            for part in shipped(&text).split(call).skip(1) {
                sealed.push(part.split('"').next().unwrap().to_owned());
            }
        }
    }
    sealed.retain(|place| place.contains('.'));
    sealed.sort();
    sealed.dedup();
    let mut known: Vec<String> = reseal::columns().into_iter().map(ToOwned::to_owned).collect();
    known.sort();
    assert_eq!(sealed, known);
}
