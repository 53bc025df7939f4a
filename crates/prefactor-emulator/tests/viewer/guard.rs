//! No other site, and no other machine, gets at the viewer.

use prefactor_emulator::{Emulator, InstanceStatus};
use serde_json::json;

use crate::account::Account;

#[tokio::test]
async fn the_page_may_load_nothing_but_its_own_files() {
    let account = Account::start().await;

    let answer = account.client.get(account.emulator.url()).send().await.unwrap();

    let header = |name: &str| answer.headers()[name].to_str().unwrap();
    let policy = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; \
                  base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
    assert!(header("content-security-policy").starts_with(policy), "{}", header("content-security-policy"));
    assert_eq!(header("x-content-type-options"), "nosniff");
    assert_eq!(header("content-type"), "text/html; charset=utf-8");
    let page = answer.text().await.unwrap();
    assert!(!page.contains(" style=") && !page.contains(" onclick=") && !page.contains("http"), "{page}");
}

#[tokio::test]
async fn a_foreign_host_is_refused() {
    let account = Account::start().await;

    for path in ["/", "/__viewer/runs", "/__viewer/assets/main.js", "/__viewer/events"] {
        let url = format!("{}{path}", account.emulator.url());
        let answer = account.client.get(url).header("host", "evil.example").send().await.unwrap();
        assert_eq!(answer.status(), 403, "{path}");
    }
}

#[tokio::test]
async fn another_site_can_not_terminate_a_run() {
    let account = Account::start().await;
    let run = account.run("order-1").await;
    let url = format!("{}/__viewer/runs/{run}/terminate", account.emulator.url());
    let post = async |headers: &[(&str, &str)]| {
        let mut request = account.client.post(&url).body(json!({ "reason": "mine now" }).to_string());
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.send().await.unwrap().status().as_u16()
    };
    let own = account.emulator.url().to_owned();

    assert_eq!(post(&[]).await, 403);
    assert_eq!(post(&[("origin", &own)]).await, 403);
    assert_eq!(post(&[("x-prefactor-viewer", "1"), ("origin", "https://evil.example")]).await, 403);
    assert_eq!(post(&[("x-prefactor-viewer", "1"), ("sec-fetch-site", "cross-site")]).await, 403);
    assert_eq!(account.emulator.instance(&run).unwrap().status, InstanceStatus::Active);
    assert_eq!(
        post(&[("x-prefactor-viewer", "1"), ("origin", &own), ("sec-fetch-site", "same-origin")]).await,
        200
    );
    assert_eq!(account.emulator.instance(&run).unwrap().status, InstanceStatus::Terminated);
}

#[tokio::test]
async fn an_emulator_others_can_reach_has_no_viewer() {
    let emulator = Emulator::builder().listen("0.0.0.0:0").start().await.unwrap();
    let port = emulator.address().port();
    let client = Account::start().await.client;
    let get = async |path: &str| client.get(format!("http://127.0.0.1:{port}{path}")).send().await.unwrap();

    let answer = get("/").await;
    assert_eq!(answer.status(), 403);
    assert!(answer.text().await.unwrap().contains("The viewer is off"));
    assert_eq!(get("/__viewer/runs").await.status(), 401);
}
