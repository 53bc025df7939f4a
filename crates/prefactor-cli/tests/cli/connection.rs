use prefactor_emulator::{Faults, HtmlBody};

use crate::support::{Api, prefactor, run};

#[test]
fn ping_says_that_the_token_is_taken() {
    let api = Api::start();

    let said = api.run(&["ping"]);
    let json = api.run(&["ping", "--json"]).json();

    assert!(said.output().starts_with(&format!("{} answers and takes the token (", api.emulator.url())));
    assert_eq!(json["url"], api.emulator.url());
    assert_eq!(json["answer"]["status"], "success");
    let sdk = api.emulator.journal()[0].header("x-prefactor-sdk").map(str::to_owned);
    assert!(sdk.is_some_and(|sdk| sdk.starts_with("prefactor-cli@")));
}

#[test]
fn flags_count_more_than_the_environment() {
    let api = Api::start();
    let mut command = prefactor();
    command.env("PREFACTOR_API_URL", "http://127.0.0.1:1").env("PREFACTOR_API_TOKEN", "other");

    run(command.args(["ping", "--url", api.emulator.url(), "--token", api.emulator.token()])).output();
}

#[test]
fn every_kind_of_failure_has_its_exit_code() {
    let api = Api::start();

    assert!(api.run(&["ping", "--token", "unknown"]).error(3).contains("hint: check the token"));
    assert!(api.run(&["instances", "show", "unknown"]).error(4).contains("not_found"));
    let nobody = api.run(&["ping", "--url", "http://127.0.0.1:1", "--retries", "0"]);
    assert!(nobody.error(6).contains("could not connect to the api"));
    assert!(nobody.error(6).contains("hint: check the address"));

    api.emulator.set_faults(Faults::new().html_body(HtmlBody::new().status(502)));
    assert!(api.run(&["ping", "--retries", "0"]).error(6).contains("not a json object"));
    api.emulator.set_faults(Faults::new().html_body(HtmlBody::new().status(200)));
    assert!(api.run(&["ping"]).error(1).contains("hint: is the address that of a Prefactor API"));
    api.emulator.set_faults(Faults::new().black_hole());
    assert!(
        api.run(&["ping", "--retries", "0", "--timeout", "1"]).error(6).contains("did not answer in time")
    );
}

#[test]
fn a_busy_api_is_asked_again() {
    let api = Api::with_faults("{\"server_error\": {\"times\": 1}}".parse().unwrap());

    api.run(&["ping"]).output();

    assert_eq!(api.emulator.journal().len(), 2);
}

#[test]
fn what_cannot_be_used_is_told_with_what_to_do() {
    let said = |args: &[&str]| run(prefactor().arg("ping").args(args));

    assert!(said(&[]).error(2).contains("hint: set PREFACTOR_API_TOKEN"));
    assert!(said(&["--token", "t", "--url", "h.example"]).error(2).contains("hint: an address looks like"));
    assert!(said(&["--token", "t", "--url", "http://h.example"]).error(2).contains("hint: --insecure-http"));
    assert!(said(&["--token", ""]).error(2).contains("the api token is empty"));
    assert!(said(&["--token", "t", "--timeout", "0"]).error(2).contains("0 is not in 1..=3600"));
}

#[test]
fn no_help_no_error_and_no_output_shows_a_token() {
    let api = Api::start();
    for args in [
        &["ping", "--token", "s3cret"][..],
        &["ping", "--token", "s3cret\u{e9}"],
        &["ping", "--token", "s3cret", "--token", "s3cret"],
        &["ping", "--tokne=s3cret"],
        &["ping", "--token", "s3cret", "--nonsense"],
        &["ping", "--token=s3cret", "--help"],
        &["agents", "update", "--token", "s3cret"],
        &["instances", "list", "--token=s3cret", "--json"],
        &["profile", "set", "p", "--token", "s3cret", "--url", "x"],
        &["load", "--token", "s3cret", "--spans", "x"],
    ] {
        let mut command = api.prefactor(args);
        let said = run(command.env("PREFACTOR_API_TOKEN", "s3cret-of-env"));
        assert!(!format!("{said:?}").contains("s3cret"), "{said:?}");
    }
}
