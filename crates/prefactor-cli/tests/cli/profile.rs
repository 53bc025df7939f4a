use std::path::Path;
use std::process::Command;

use crate::support::{Api, prefactor, run, run_with};

fn with_file(file: &Path, args: &[&str]) -> Command {
    let mut command = prefactor();
    command.env("PREFACTOR_CONFIG", file).args(args);
    command
}

#[test]
fn a_profile_is_kept_used_and_forgotten() {
    let api = Api::start();
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("new/profiles.json");
    let url = api.emulator.url();

    let set = with_file(&file, &["profile", "set", "local", "--url", url, "--token-stdin"]);
    run_with(&mut { set }, &format!("{}\n", api.emulator.account_token())).output();
    run(&mut with_file(&file, &["ping", "--profile", "local"])).output();
    let listed = run(&mut with_file(&file, &["profile", "list"]));
    assert!(listed.output().contains(url));
    assert!(!listed.output().contains(api.emulator.account_token()));
    run(&mut with_file(&file, &["profile", "remove", "local"])).output();

    let forgotten = run(&mut with_file(&file, &["ping", "--profile", "local"]));
    assert!(forgotten.error(4).contains("there is no profile \"local\""));
}

#[test]
fn the_default_profile_counts_when_the_environment_is_silent() {
    let api = Api::start();
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("profiles.json");
    let token = api.emulator.account_token();
    let set = ["profile", "set", "default", "--url", api.emulator.url(), "--token", token];
    run(&mut with_file(&file, &set)).output();

    run(&mut with_file(&file, &["ping"])).output();
    let with_environment = run(with_file(&file, &["ping"])
        .env("PREFACTOR_API_URL", api.emulator.url())
        .env("PREFACTOR_API_TOKEN", "from-the-environment"));
    let with_flag = run(&mut with_file(&file, &["ping", "--profile", "default", "--token", "from-the-flag"]));

    assert!(with_environment.error(3).contains("bad_authtoken"));
    assert!(with_flag.error(3).contains("bad_authtoken"));
}

#[test]
fn a_change_keeps_what_it_leaves_out() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("profiles.json");
    let set = |args: &[&str]| run(&mut with_file(&file, &[&["profile", "set", "p"], args].concat()));

    set(&["--url", "https://one.example", "--token", "token-one"]).output();
    set(&["--url", "https://two.example/"]).output();

    let kept = std::fs::read_to_string(&file).unwrap();
    assert!(kept.contains("token-one") && kept.contains("https://two.example\""), "{kept}");
}

#[cfg(unix)]
#[test]
fn a_file_that_others_can_read_is_refused() {
    use std::os::unix::fs::PermissionsExt;

    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("profiles.json");
    run(&mut with_file(&file, &["profile", "set", "p", "--token", "token-one"])).output();
    let mode = |mode| std::fs::set_permissions(&file, PermissionsExt::from_mode(mode)).unwrap();
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);

    for open in [0o640, 0o604, 0o620] {
        mode(open);
        let said = run(&mut with_file(&file, &["ping", "--profile", "p"]));
        assert!(said.error(2).contains("others can use it"), "{said:?}");
        assert!(said.error(2).contains("hint: chmod 600 "), "{said:?}");
    }
}

#[test]
fn a_broken_file_is_told_by_its_place_and_not_by_its_secrets() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("profiles.json");
    run(&mut with_file(&file, &["profile", "set", "p", "--token", "token-one"])).output();
    for broken in
        [r#"{"profiles": {"p": {"token": 7, "x": "s3cret"}}}"#, r#"{"profiles": {"p": "s3cret"}}"#, "s3cret"]
    {
        // The file's mode stays.
        std::fs::write(&file, broken).unwrap();

        let said = run(&mut with_file(&file, &["ping", "--profile", "p"]));

        assert!(said.error(2).contains("is no profile file: see line 1 column "), "{said:?}");
        assert!(!said.stderr.contains("s3cret"), "{said:?}");
    }
}

#[test]
fn what_makes_no_profile_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("profiles.json");
    for (args, explanation) in [
        (&["--url", "https://h.example"][..], "a new profile needs a token"),
        (&["--url", "ftp://h.example", "--token", "t"], "https:// or http://"),
        (&["--url", "http://h.example", "--token", "t"], "hint: --insecure-http"),
        (&["--token", "to ken"], "the api token contains a space"),
        (&["--token-stdin"], "the api token is empty"),
    ] {
        let said = run(&mut with_file(&file, &[&["profile", "set", "p"], args].concat()));
        assert!(said.error(2).contains(explanation), "{said:?}");
    }
    assert!(!file.exists());
    let unknown = run(&mut with_file(&file, &["profile", "remove", "p"]));
    assert!(unknown.error(4).contains("there is no profile \"p\""));
}
