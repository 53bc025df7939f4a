use crate::support::{Server, prefactor, run};

fn fails(args: &[&str]) -> (Option<i32>, String) {
    let said = run(prefactor().args(args));
    assert!(said.stdout.is_empty());
    (said.code, said.stderr)
}

#[test]
fn it_serves_with_the_token_it_was_given() {
    let server = Server::serve(&["--listen", "127.0.0.1:0", "--token", "one", "--account-token", "two"]);

    assert!(server.get("/api/v1/ping", "one").starts_with("HTTP/1.1 200"));
    assert!(server.get("/api/v1/agent", "two").starts_with("HTTP/1.1 200"));
    assert!(server.get("/api/v1/ping", "emulator-token").starts_with("HTTP/1.1 401"));
}

#[test]
fn the_token_comes_from_the_environment_or_has_a_default() {
    let from_environment = Server::start(prefactor().arg("serve").env("PREFACTOR_API_TOKEN", "from-env"));
    let default = Server::serve(&[]);

    assert!(from_environment.get("/api/v1/ping", "from-env").starts_with("HTTP/1.1 200"));
    assert!(default.get("/api/v1/ping", "emulator-token").starts_with("HTTP/1.1 200"));
    assert!(default.get("/api/v1/agent", "emulator-account-token").starts_with("HTTP/1.1 200"));
}

#[cfg(unix)]
#[test]
fn it_ends_well_when_it_is_told_to() {
    for signal in ["INT", "TERM"] {
        let server = Server::serve(&["--token", "secret-one"]);

        assert_eq!(server.stop(signal), Some(0), "{signal}");
    }
}

#[test]
fn faults_come_as_json_or_from_a_file() {
    let json = r#"{ "server_error": { "status": 503 } }"#;
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("faults.json");
    std::fs::write(&file, json).unwrap();

    for faults in [json, file.to_str().unwrap()] {
        let server = Server::serve(&["--faults", faults]);
        assert!(server.get("/api/v1/ping", "emulator-token").starts_with("HTTP/1.1 503"));
    }
}

#[test]
fn wrong_arguments_are_explained_and_exit_with_2() {
    for (args, explanation) in [
        (&["serve", "--faults", r#"{"server_eror":{}}"#][..], "unknown field `server_eror`"),
        (&["serve", "--faults", r#"{"latency":{"probability":7}}"#], "from 0 to 1"),
        (&["serve", "--faults", "/no/such/file"], "no file that can be read: No such file"),
        (&["serve", "--faults", "[7]"], "it is no JSON object"),
        (&["serve", "--listen", "here"], "hint: an address looks like 127.0.0.1:4010"),
        (&["serve", "--listen", "127.0.0.1:99999"], "hint: an address looks like 127.0.0.1:4010"),
        (&["serve", "--token", ""], "visible ASCII"),
        (&["serve", "--port", "3"], "unexpected argument"),
        (&["dance"], "unrecognized subcommand"),
    ] {
        let (code, stderr) = fails(args);
        assert_eq!(code, Some(2), "{stderr}");
        assert!(stderr.contains(explanation), "{stderr}");
    }
}

#[test]
fn a_port_that_is_taken_is_named_and_exits_with_1() {
    let server = Server::serve(&[]);
    let address = server.address.to_string();

    let (code, stderr) = fails(&["serve", "--listen", &address, "--token", "secret-one"]);

    assert_eq!(code, Some(1));
    assert!(stderr.starts_with(&format!("error: can't listen on {address}: ")), "{stderr}");
    assert!(stderr.contains("hint: stop what listens there"), "{stderr}");
    assert!(!stderr.contains("secret-one"));
}

/// The command as somebody who may not do everything; `None` where nobody else may run it.
#[cfg(unix)]
fn unprivileged() -> Option<std::process::Command> {
    use std::os::unix::process::CommandExt;

    const NOBODY: u32 = 65_534;
    let probe = tempfile::NamedTempFile::new().expect("a file");
    set_mode(probe.path(), 0o444);
    let mut command = prefactor();
    if std::fs::OpenOptions::new().append(true).open(probe.path()).is_ok() {
        command.uid(NOBODY);
        prefactor().uid(NOBODY).arg("--version").output().ok()?;
    }
    Some(command)
}

#[cfg(unix)]
fn set_mode(path: &std::path::Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt;

    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).expect("a file of ours");
}

#[cfg(unix)]
#[test]
fn a_database_that_can_only_be_read_is_named_and_exits_with_1() {
    for (mode_of_file, mode_of_folder) in [(0o444, 0o755), (0o666, 0o555)] {
        let Some(mut command) = unprivileged() else {
            println!("skipped: nobody else may run the command");
            return;
        };
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("runs.db");
        let server = Server::start(prefactor().args(["serve", "--db"]).arg(&file));
        assert_eq!(server.stop("TERM"), Some(0));
        set_mode(&file, mode_of_file);
        set_mode(folder.path(), mode_of_folder);

        let said = run(command.args(["serve", "--db"]).arg(&file));
        set_mode(folder.path(), 0o755);

        let error = said.error(1);
        assert!(error.contains(&file.display().to_string()), "{error}");
        assert!(error.contains("name a file in a folder of yours"), "{error}");
    }
}

#[test]
fn no_help_and_no_error_shows_a_token() {
    let help =
        prefactor().args(["serve", "--help"]).env("PREFACTOR_API_TOKEN", "secret-one").output().unwrap();
    let (_, error) = fails(&["serve", "--token", "secret\u{e9}"]);

    assert!(!String::from_utf8_lossy(&help.stdout).contains("secret-one"));
    assert!(!error.contains("secret"), "{error}");
}
