//! The tour in the README does what it says.

use crate::process::Server;

/// The shell of the tour, from one of the two READMEs.
fn tour(readme: &str) -> String {
    let tour = readme.split("<!-- tour -->").nth(1).expect("the README has a tour");
    tour.split("```sh\n").skip(1).map(|part| part.split("```").next().unwrap_or_default()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_tour_runs_as_written() {
    let english = tour(include_str!("../../README.md"));
    assert_eq!(english, tour(include_str!("../../README.zh.md")), "both READMEs have the same tour");
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start(directory.path(), &[]);
    let out = std::process::Command::new("bash")
        .args(["-euo", "pipefail", "-c", &english])
        .current_dir(directory.path())
        .env("B", &server.url)
        .output()
        .unwrap();
    let (told, errors) = (String::from_utf8_lossy(&out.stdout), String::from_utf8_lossy(&out.stderr));
    assert!(out.status.success(), "{told}\n{errors}");
    for part in [
        "\"name\":\"失业登记\"",
        "\"state\":\"booked\"",
        "\"state\":\"received\"",
        "\"state\":\"issued\"",
        "\"state_text\":\"已办结\"",
        "\"accepted\":true",
        "\"code\":\"already_rated\"",
        "\"outcome\":\"rated\"",
        "\"counted\":",
        "\"state\":\"signed\"",
    ] {
        assert!(told.contains(part), "{part} is not in: {told}");
    }
    server.stop();
}

#[test]
fn the_settings_example_is_the_one_that_is_built_in() {
    assert_eq!(include_str!("../../deploy/settings.example.toml"), shuitian::base::settings::DEFAULTS);
}
