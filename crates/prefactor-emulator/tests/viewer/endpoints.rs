//! What the page is made of: compact rows, only what is new, a payload only when asked for.

use serde_json::{Value, json};

use crate::account::{Account, Span};

fn names(answer: &Value) -> Vec<&str> {
    let rows = answer["rows"].as_array().expect("rows");
    rows.iter().map(|row| row[2].as_str().expect("a type")).collect()
}

#[tokio::test]
async fn a_run_is_sent_once_and_then_only_what_has_changed() {
    let account = Account::start().await;
    let run = account.run("order-1").await;
    let plan = account.span(&run, Span::new("plan", None, 0, 0).status("active")).await;
    account.span(&run, Span::new("search", Some(&plan), 5, 9)).await;
    let ask = async |cursor: &Value| {
        account.viewer(&format!("runs/{run}?after={}", cursor.as_str().unwrap())).await
    };

    let first = account.viewer(&format!("runs/{run}")).await;
    assert_eq!(names(&first), ["plan", "search"]);
    assert!(!first.to_string().contains("payload"));
    let second = ask(&first["cursor"]).await;
    assert_eq!(names(&second), Vec::<&str>::new());
    account.finish_span(&plan, "failed", json!({}), 12).await;
    account.span(&run, Span::new("write", None, 10, 11)).await;
    let third = ask(&second["cursor"]).await;

    assert_eq!(names(&third), ["plan", "write"]);
    assert_eq!(third["rows"][0][3], "failed");
    assert_eq!(third["failed"], 1);
    let foreign = ask(&json!("900-1-0")).await;
    assert_eq!((&foreign["restart"], names(&foreign).len()), (&json!(true), 3));
}

#[tokio::test]
async fn a_run_of_many_spans_comes_in_parts() {
    let account = Account::start().await;
    let run = account.run("huge").await;
    account.many_spans(&run, 25_000).await;

    let first = account.viewer(&format!("runs/{run}")).await;
    let second = account.viewer(&format!("runs/{run}?after={}", first["cursor"].as_str().unwrap())).await;

    assert_eq!((names(&first).len(), &first["more"]), (20_000, &json!(true)));
    assert_eq!((names(&second).len(), &second["more"]), (5_000, &json!(false)));
    assert_eq!(names(&second).last(), Some(&"step-24999"));
}

#[tokio::test]
async fn secrets_never_reach_the_page() {
    let account = Account::start().await;
    let run = account.run("order-1").await;
    let payload = json!({ "user": { "$sensitive": "string", "value": "ada@example.org" } });
    let span = account.span(&run, Span::new("llm", None, 0, 1).payload(payload)).await;

    let shown = account.viewer(&format!("spans/{span}")).await;

    assert_eq!(shown["payload"], json!({ "user": { "$sensitive": "string", "redacted": true } }));
}

#[tokio::test]
async fn runs_come_in_pages_the_newest_first() {
    let account = Account::start().await;
    for name in ["one", "two", "three"] {
        account.run(name).await;
    }
    let shown = async |query: &str| {
        let page = account.viewer(&format!("runs?{query}")).await;
        let runs = page["runs"].as_array().unwrap().clone();
        let names: Vec<_> =
            runs.iter().map(|run| run["external_identifier"].as_str().unwrap().to_owned()).collect();
        (page["total"].as_u64().unwrap(), names.join(" "))
    };

    assert_eq!(shown("").await, (3, "three two one".to_owned()));
    assert_eq!(shown("offset=1&limit=1").await, (3, "two".to_owned()));
    assert_eq!(shown("search=THR").await, (1, "three".to_owned()));
    assert_eq!(shown("status=complete").await, (0, String::new()));
    assert_eq!(shown("agent=nonsense").await, (0, String::new()));
}

#[tokio::test]
async fn what_makes_no_sense_is_refused_in_words() {
    let account = Account::start().await;
    let run = account.run("order-1").await;

    for (path, status) in [
        ("runs?offset=x".to_owned(), 400),
        ("runs?status=sleeping".to_owned(), 400),
        (format!("runs/{run}?after=x"), 400),
        ("runs/nonsense".to_owned(), 404),
        ("spans/nonsense".to_owned(), 404),
        ("assets/nonsense".to_owned(), 404),
        ("nonsense".to_owned(), 404),
    ] {
        let answer =
            account.client.get(format!("{}/__viewer/{path}", account.emulator.url())).send().await.unwrap();
        assert_eq!(answer.status(), status, "{path}");
        assert!(!answer.text().await.unwrap().is_empty(), "{path}");
    }
}
