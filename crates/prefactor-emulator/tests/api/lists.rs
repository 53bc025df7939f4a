//! Lists: paging, sorting, filters.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Answer, Api};

fn ids(answer: &Answer) -> Vec<String> {
    assert_eq!((answer.status, &answer.body["status"]), (200, &json!("success")), "{answer:?}");
    let summaries = answer.body["summaries"].as_array().expect("summaries");
    summaries.iter().map(|summary| summary["id"].as_str().expect("an id").to_owned()).collect()
}

#[tokio::test]
async fn instances_come_in_pages() {
    let api = Api::start().await;
    let mut all = Vec::new();
    for _ in 0..5 {
        all.push(api.register().await);
    }
    let page = async |query: &str| api.account(Method::GET, &format!("/agent_instance?{query}"), None).await;

    let first = page("pagination[offset]=0&pagination[page_size]=2").await;
    let last = page("pagination%5Boffset%5D=4&pagination%5Bpage_size%5D=2&sorting[direction]=asc").await;
    let reversed = page("sorting[field]=inserted_at&sorting[direction]=desc").await;

    assert_eq!(ids(&first), all[..2]);
    assert_eq!(
        first.body["pagination"],
        json!({
            "item_count": 5, "item_start": 1, "item_end": 2, "page_count": 3, "page_index": 1, "page_offset": 0,
            "page_size": 2, "next_page_offset": 2, "previous_page_offset": null,
        })
    );
    assert_eq!(first.body["sorting"], json!({ "field": "inserted_at", "direction": "asc" }));
    assert_eq!(ids(&last), all[4..]);
    assert_eq!(last.body["pagination"]["next_page_offset"], Value::Null);
    assert_eq!(last.body["pagination"]["previous_page_offset"], 2);
    all.reverse();
    assert_eq!(ids(&reversed), all);
}

#[tokio::test]
async fn spans_are_filtered_by_when_they_started() {
    let api = Api::start().await;
    let instance = api.started().await;
    let mut all = Vec::new();
    for minute in 0..4 {
        let fields = json!({ "started_at": format!("2026-03-01T10:0{minute}:00Z") });
        all.push(api.create_span(&instance, fields).await.id());
    }

    let path = format!(
        "/agent_spans?agent_instance_id={instance}&start_time=2026-03-01T10:01:00Z&end_time=2026-03-01T10:03:00Z&include_summaries=true"
    );
    let answer = api.account(Method::GET, &path, None).await;

    assert_eq!(ids(&answer), all[1..3]);
    assert_eq!(answer.body["pagination"]["item_count"], 2);
}

#[tokio::test]
async fn agents_are_sorted_and_filtered() {
    let api = Api::start().await;
    let create = async |name: &str, team: Option<&str>| {
        let body = json!({ "details": { "name": name, "team_id": team } });
        api.account(Method::POST, "/agent", Some(body)).await.id()
    };
    let (beta, alpha) = (create("beta", Some("t1")).await, create("alpha", Some("t1")).await);
    let gamma = create("gamma", None).await;
    let list = async |query: &str| ids(&api.account(Method::GET, &format!("/agent?{query}"), None).await);

    assert_eq!(list("team_id=t1&sorting=name").await, [&*alpha, &beta]);
    assert_eq!(list("team_id=t1&sorting=-name").await, [&*beta, &alpha]);
    assert_eq!(list("team_id=t1&sorting=-id").await, [&*alpha, &beta]);
    assert_eq!(list("team_id=t1&sorting[field]=name").await, [&*alpha, &beta]);
    assert_eq!(list("team_id=null").await, [api.emulator.agent_id().to_string(), gamma]);
    assert!(list("owner_person_id=nobody").await.is_empty());
    assert!(list("risk_profile_id=none").await.is_empty());
}

#[tokio::test]
async fn bad_queries_are_refused_by_field() {
    let api = Api::start().await;
    let instance = api.started().await;
    let get = async |path: String| api.account(Method::GET, &path, None).await;

    assert_eq!(get("/agent_spans".into()).await.fields(), ["agent_instance_id"]);
    let oversized = get(format!("/agent_spans?agent_instance_id={instance}&pagination[page_size]=101")).await;
    assert_eq!(oversized.fields(), ["pagination.page_size"]);
    let when = get(format!("/agent_spans?agent_instance_id={instance}&start_time=noon")).await;
    assert_eq!(when.fields(), ["start_time"]);
    assert_eq!(get("/agent_instance?sorting[field]=mood".into()).await.fields(), ["sorting.field"]);
    assert_eq!(get("/agent_instance?sorting=name".into()).await.fields(), ["sorting"]);
    assert_eq!(get("/agent_instance?agent_id=nobody".into()).await.refusal(), (404, "not_found"));
}

#[tokio::test]
async fn lists_need_the_account_token() {
    let api = Api::start().await;

    for path in ["/agent_instance", "/agent_spans?agent_instance_id=x", "/agent", "/agent/show?agent_id=x"] {
        assert_eq!(api.get(path).await.refusal(), (403, "unauthorized"), "{path}");
    }
}
