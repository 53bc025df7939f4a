use std::time::Duration;

use prefactor::{AgentVersion, Builder, Health, LossReason, Prefactor, RejectReason};
use prefactor_http::{ApiToken, ApiUrl};
use serde::{Serialize, Serializer};
use serde_json::json;

use crate::support::{PATIENCE, Server, assert_all_delivered, assert_settled, wait_until};

#[test]
fn a_wrong_token_pauses_and_the_report_says_why_nothing_arrived() {
    let server = Server::start();
    let prefactor = server.pipeline().api_token(token("wrong")).build().expect("a pipeline");
    let run = prefactor.instance(AgentVersion::new("agent", "v1")).start();
    run.span("step", &json!({})).complete(&());

    wait_until("the token is refused", || prefactor.health() == Health::Unauthorized);
    assert!(!prefactor.flush_blocking(Duration::from_millis(100)).complete);
    let report = prefactor.shutdown_blocking(Duration::from_secs(1));

    assert!(!report.complete);
    assert_eq!(report.ledger.lost_for(LossReason::Unauthorized), report.ledger.accepted);
    assert_settled(&prefactor, &report.ledger);
    assert_eq!(server.instances().len(), 0);
}

#[test]
fn an_unknown_agent_rejects_its_own_run_only() {
    let server = Server::start();
    let prefactor = server.pipeline().build().expect("a pipeline");
    let unknown = prefactor_pfid::generate(server.account_id().partition()).to_string();
    let good = prefactor.instance(AgentVersion::new("agent", "v1")).start();
    let bad = prefactor.instance(AgentVersion::new("agent", "v1")).agent_id(unknown).start();
    for n in 0..10 {
        good.span("step", &json!({ "n": n })).complete(&());
        bad.span("step", &json!({ "n": n })).complete(&());
    }
    good.finish();
    bad.finish();
    let report = prefactor.shutdown_blocking(PATIENCE);

    assert!(report.complete);
    assert_settled(&prefactor, &report.ledger);
    assert_eq!(good.ledger().delivered, good.ledger().accepted);
    assert_eq!(bad.ledger().rejected_for(RejectReason::NotFound).operations, 1, "the registration");
    assert_eq!(
        bad.ledger().rejected_for(RejectReason::RegistrationRefused).operations,
        bad.ledger().accepted.operations - 1
    );
    assert_eq!(server.spans(good.id().expect("an id")).len(), 10);

    // What comes later of the refused run is refused at once.
    let before = bad.ledger().accepted.operations;
    bad.span("late", &json!({})).complete(&());
    assert_eq!(bad.ledger().accepted.operations, before + 2);
    assert_eq!(bad.ledger().in_flight().operations, 0);
}

#[test]
fn urls_and_tokens_that_can_not_be_are_refused_at_once() {
    for url in [
        "",
        "nonsense",
        "ftp://127.0.0.1",
        "http://api.example",
        "https://user:pw@api.example",
        "https://a/?q",
    ] {
        assert!(url.parse::<ApiUrl>().is_err(), "{url}");
    }
    for token in ["", "   ", "two words", "line\nbreak", "ümlaut"] {
        assert!(token.parse::<ApiToken>().is_err(), "{token:?}");
    }
    let error = Prefactor::builder().build().expect_err("no token");
    assert_eq!(error.to_string(), "no api token: set PREFACTOR_API_TOKEN or call Builder::api_token");
}

#[test]
fn a_server_that_does_not_exist_is_an_outage() {
    let port =
        std::net::TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("its address").port();
    let server = Server::start();
    let nowhere: ApiUrl = format!("http://127.0.0.1:{port}").parse().expect("a url");
    let prefactor = server.pipeline().api_url(nowhere).build().expect("a pipeline");
    let run = prefactor.instance(AgentVersion::new("agent", "v1")).start();
    run.finish();

    let report = prefactor.shutdown_blocking(Duration::from_millis(300));

    assert!(!report.complete);
    assert_eq!(report.ledger.lost_for(LossReason::Unreachable), report.ledger.accepted);
    assert_settled(&prefactor, &report.ledger);
}

struct Unserializable;

impl Serialize for Unserializable {
    fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        Err(serde::ser::Error::custom("it holds a secret"))
    }
}

struct Panics;

impl Serialize for Panics {
    fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        panic!("in the caller's code")
    }
}

#[test]
fn a_payload_that_fails_to_serialize_keeps_its_span() {
    let server = Server::start();
    let prefactor = server.pipeline().build().expect("a pipeline");
    let run = prefactor.instance(AgentVersion::new("agent", "v1")).start();
    run.span("fails", &Unserializable).complete(&json!({ "fine": true }));
    run.span("panics", &Panics).complete(&Unserializable);
    run.span("fine", &json!({ "fine": true })).complete(&());
    let report = prefactor.shutdown_blocking(PATIENCE);

    assert_all_delivered(&prefactor, &report.ledger);
    assert_eq!(prefactor.unserializable_payloads(), 3);
    let spans = server.spans(run.id().expect("a registered run"));
    let find = |name: &str| spans.iter().find(|span| span.schema_name == name).expect("the span");
    let placeholder = json!({ "$unserializable": true });
    assert_eq!(find("fails").payload, placeholder);
    assert_eq!(find("fails").result_payload, Some(json!({ "fine": true })));
    assert_eq!(find("panics").payload, placeholder);
    assert_eq!(find("panics").result_payload, Some(placeholder));
    assert_eq!(find("fine").payload, json!({ "fine": true }));
}

#[test]
fn one_operation_that_is_too_large_is_rejected_alone() {
    let server = Server::start();
    server.set_faults(prefactor_emulator::Faults::new().max_body_bytes(20_000));
    let prefactor = server.pipeline().max_input_length(usize::MAX).build().expect("a pipeline");
    let run = prefactor.instance(AgentVersion::new("agent", "v1")).start();
    for n in 0..50 {
        run.span("small", &json!({ "n": n })).complete(&());
        if n == 25 {
            run.span("large", &json!({ "text": "x".repeat(30_000) })).complete(&());
        }
    }
    run.finish();
    let report = prefactor.shutdown_blocking(PATIENCE);

    assert!(report.complete);
    assert_settled(&prefactor, &report.ledger);
    assert_eq!(report.ledger.rejected_for(RejectReason::TooLarge), report.ledger.rejected_total());
    assert_eq!(report.ledger.rejected_total().operations, 2, "its create and the finish merged into it");
    assert_eq!(server.spans(run.id().expect("a registered run")).len(), 50);
}

#[test]
fn tokens_and_payloads_never_show_in_debug_output() {
    let server = Server::start();
    // A run whose registration is not answered holds its operations back, where `Debug` reaches them.
    server.set_faults(prefactor_emulator::Faults::new().black_hole());
    let builder: Builder = server.pipeline().api_token(token("tok-secret"));
    let shown = format!("{builder:?}");
    let prefactor = builder.build().expect("a pipeline");
    let run = prefactor.instance(AgentVersion::new("agent", "v1")).start();
    let span = run.span("step", &json!({ "text": "payload-secret" }));

    let mut shown = format!("{shown}{prefactor:?}{:?}", span.context());
    for _ in 0..200 {
        shown.push_str(&format!("{run:?}{span:?}"));
        std::thread::sleep(Duration::from_micros(200));
    }

    assert!(!shown.contains("tok-secret"));
    // Neither as text nor as the numbers that bytes are shown as.
    let bytes = format!("{:?}", b"payload-secret");
    let bytes = bytes.trim_matches(['[', ']']);
    assert!(!shown.contains("payload-secret") && !shown.contains(bytes));
    drop(span);
    prefactor.shutdown_blocking(Duration::from_millis(10));
}

fn token(text: &str) -> ApiToken {
    text.parse().expect("a token")
}
