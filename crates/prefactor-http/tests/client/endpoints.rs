use prefactor_http::{
    AgentSchemaVersionForRegister, AgentVersionForRegister, BulkItem, BulkRequest, CreateAgentRequest,
    CreateSpanRequest, FinishInstanceRequest, FinishSpanRequest, FinishStatus, IdempotencyKey,
    IdempotencyKeyPrefix, InstanceStatus, ListAgentsQuery, ListInstancesQuery, ListSpansQuery, Method,
    Payload, PrefactorClient, Purpose, RecordQualityRequest, RegisterInstanceRequest, SdkEntry,
    ShowAgentQuery, SpanStatus, SpanTypeSchemaForCreate, StartInstanceRequest, TerminateInstanceRequest,
    UpdateAgentRequest,
};
use serde_json::{Value, json};

use crate::support::{Answer, Server, agent, instance, span};

fn key() -> IdempotencyKey {
    IdempotencyKey::new("key-0001").expect("a key")
}

fn page(summary: &Value) -> Answer {
    Answer::json(
        200,
        &json!({"status": "success", "summaries": [summary], "sorting": null,
                "pagination": {"item_count": 7, "next_page_offset": null}}),
    )
}

#[tokio::test]
async fn every_request_says_who_sends_it() {
    let server = Server::answering([Answer::json(200, &json!({"status": "success"}))]).await;
    let config = server.config().with_sdk_entry(SdkEntry::new("adapter", "2").unwrap());

    PrefactorClient::new(config).unwrap().ping().await.unwrap();

    let sent = server.only();
    assert_eq!(sent.line, "GET /api/v1/ping");
    assert_eq!(sent.header("authorization"), Some("Bearer s3cret-token"));
    assert_eq!(sent.header("accept"), Some("application/json"));
    assert_eq!(
        sent.header("x-prefactor-sdk"),
        Some(concat!("adapter@2 prefactor-rs@", env!("CARGO_PKG_VERSION")))
    );
    assert_eq!(sent.header("content-type"), None);
    assert_eq!(sent.body, "");
}

#[tokio::test]
async fn a_prefix_of_the_address_is_kept() {
    let server = Server::answering([Answer::json(200, &json!({"status": "success"}))]).await;
    let config = crate::support::config(&format!("{}/behind/proxy/", server.url()));

    PrefactorClient::new(config).unwrap().ping().await.unwrap();

    assert_eq!(server.only().line, "GET /behind/proxy/api/v1/ping");
}

#[tokio::test]
async fn an_instance_is_registered() {
    let server = Server::answering([Answer::details(instance())]).await;
    let schema = SpanTypeSchemaForCreate::new("agent:llm", json!({"type": "object"}));

    let registered = server
        .client()
        .agent_instances()
        .register(
            RegisterInstanceRequest::new()
                .agent_id("agent1")
                .agent_version(AgentVersionForRegister::new().name("research-agent"))
                .agent_schema_version(AgentSchemaVersionForRegister::new().span_type_schemas([schema]))
                .id("013xrzp12g3nqk8n04hmasw9nf6yy093".parse::<prefactor_pfid::Pfid>().unwrap())
                .purpose(Purpose::SmokeTest)
                .update_current_version(false)
                .idempotency_key(key()),
        )
        .await
        .unwrap();

    assert_eq!(registered.id, "inst1");
    assert_eq!(registered.status, InstanceStatus::Active);
    let sent = server.only();
    assert_eq!(sent.line, "POST /api/v1/agent_instance/register");
    assert_eq!(sent.header("content-type"), Some("application/json"));
    assert_eq!(
        sent.json(),
        json!({
            "agent_id": "agent1",
            "agent_version": {"name": "research-agent"},
            "agent_schema_version": {
                "span_type_schemas": [{"name": "agent:llm", "params_schema": {"type": "object"}}],
            },
            "id": "013xrzp12g3nqk8n04hmasw9nf6yy093",
            "purpose": "smoke_test",
            "update_current_version": false,
            "idempotency_key": "key-0001",
        })
    );
}

#[tokio::test]
async fn an_instance_goes_through_its_life() {
    let server = Server::answering(vec![Answer::details(instance()); 5]).await;
    let client = server.client();
    let instances = client.agent_instances();
    let noon = "2024-05-01T12:00:00.123456Z".parse::<chrono::DateTime<chrono::Utc>>().unwrap();
    let quality = Payload::of(&json!({"score": 1})).unwrap();

    instances
        .start("inst1", StartInstanceRequest::new().timestamp(noon).idempotency_key(key()))
        .await
        .unwrap();
    let finish = FinishInstanceRequest::new().status(FinishStatus::Failed).idempotency_key(key());
    instances.finish("inst1", finish).await.unwrap();
    let record = RecordQualityRequest::new("tone", quality).idempotency_key(key());
    instances.record_quality("inst1", record).await.unwrap();
    instances.terminate("inst1", TerminateInstanceRequest::new("too dear")).await.unwrap();
    instances.get("inst1").await.unwrap();

    let sent = server.sent();
    assert_eq!(sent[0].line, "POST /api/v1/agent_instance/inst1/start");
    assert_eq!(
        sent[0].json(),
        json!({"timestamp": "2024-05-01T12:00:00.123456Z", "idempotency_key": "key-0001"})
    );
    assert_eq!(sent[1].line, "POST /api/v1/agent_instance/inst1/finish");
    assert_eq!(sent[1].json(), json!({"status": "failed", "idempotency_key": "key-0001"}));
    assert_eq!(sent[2].line, "POST /api/v1/agent_instance/inst1/record_quality");
    assert_eq!(
        sent[2].json(),
        json!({"name": "tone", "payload": {"score": 1}, "idempotency_key": "key-0001"})
    );
    assert_eq!(sent[3].line, "POST /api/v1/agent_instance/inst1/terminate");
    assert_eq!(sent[3].json(), json!({"reason": "too dear"}));
    assert_eq!((sent[4].line.as_str(), sent[4].body.as_str()), ("GET /api/v1/agent_instance/inst1", ""));
}

#[tokio::test]
async fn a_span_is_created_under_details_with_its_key_beside() {
    let control = json!({"terminate": true, "reason": "too dear"});
    let answer = json!({"status": "success", "details": span(), "control": control});
    let server = Server::answering([Answer::json(200, &answer)]).await;
    let payload = Payload::of(&json!({"model": "m"})).unwrap();

    let created = server
        .client()
        .agent_spans()
        .create(
            CreateSpanRequest::new("inst1", "agent:llm", SpanStatus::Active, payload)
                .parent_span_id("span0")
                .sensitive_encoding(true)
                .idempotency_key(key()),
        )
        .await
        .unwrap();

    assert_eq!(created.details.id, "span1");
    assert_eq!(created.control.unwrap().reason.as_deref(), Some("too dear"));
    assert_eq!(server.only().line, "POST /api/v1/agent_spans");
    assert_eq!(
        server.only().json(),
        json!({
            "details": {
                "agent_instance_id": "inst1", "schema_name": "agent:llm", "status": "active", "payload": {"model": "m"},
                "parent_span_id": "span0", "sensitive_encoding": true,
            },
            "idempotency_key": "key-0001",
        })
    );
}

#[tokio::test]
async fn a_span_is_finished_with_flat_fields() {
    let server = Server::answering([Answer::details(span())]).await;
    let finish = FinishSpanRequest::new()
        .status(FinishStatus::Complete)
        .result_payload(Payload::of(&json!({"text": "t"})).unwrap())
        .idempotency_key(key());

    server.client().agent_spans().finish("span1", finish).await.unwrap();

    assert_eq!(server.only().line, "POST /api/v1/agent_spans/span1/finish");
    assert_eq!(
        server.only().json(),
        json!({"status": "complete", "result_payload": {"text": "t"}, "idempotency_key": "key-0001"})
    );
}

#[tokio::test]
async fn operations_get_a_key_of_their_own_accord() {
    let answers = [instance(), instance(), instance(), span(), span(), agent()].map(Answer::details);
    let server = Server::answering(answers).await;
    let config = server.config().with_default_idempotency_key(IdempotencyKeyPrefix::new("billing").unwrap());
    let client = PrefactorClient::new(config).unwrap();

    client.agent_instances().register(RegisterInstanceRequest::new()).await.unwrap();
    client.agent_instances().start("inst1", StartInstanceRequest::new()).await.unwrap();
    client.agent_instances().finish("inst1", FinishInstanceRequest::new()).await.unwrap();
    let create = CreateSpanRequest::new("inst1", "s", SpanStatus::Active, Payload::default());
    client.agent_spans().create(create).await.unwrap();
    client.agent_spans().finish("span1", FinishSpanRequest::new()).await.unwrap();
    client.agents().create(CreateAgentRequest::new("a")).await.unwrap();

    let keys: Vec<_> = server.sent().iter().map(|sent| sent.json()["idempotency_key"].clone()).collect();
    for key in &keys {
        assert!(key.as_str().unwrap().starts_with("billing-"), "{key}");
        assert_eq!(keys.iter().filter(|other| *other == key).count(), 1, "{key}");
    }
}

#[tokio::test]
async fn lists_are_asked_for_by_query() {
    let server = Server::answering([page(&instance()), page(&span()), page(&agent())]).await;
    let client = server.client();
    let since = "2024-05-01T12:00:00Z".parse::<chrono::DateTime<chrono::Utc>>().unwrap();

    let instances =
        client.agent_instances().list(ListInstancesQuery::new("a&b").offset(10u64)).await.unwrap();
    let spans = ListSpansQuery::new("inst1").start_time(since).include_summaries(true).page_size(100u64);
    let spans = client.agent_spans().list(spans).await.unwrap();
    let agents = client.agents().list(ListAgentsQuery::new()).await.unwrap();

    assert_eq!(instances.summaries[0].id, "inst1");
    assert_eq!(instances.pagination.unwrap().item_count, Some(7));
    assert_eq!(spans.summaries[0].id, "span1");
    assert_eq!(agents.summaries[0].id, "agent1");
    let sent = server.sent();
    assert_eq!(sent[0].line, "GET /api/v1/agent_instance?agent_id=a%26b&pagination%5Boffset%5D=10");
    assert_eq!(
        sent[1].line,
        "GET /api/v1/agent_spans?agent_instance_id=inst1&include_summaries=true&pagination%5Bpage_size%5D=100\
         &start_time=2024-05-01T12%3A00%3A00Z"
    );
    assert_eq!(sent[2].line, "GET /api/v1/agent");
}

#[tokio::test]
async fn agents_are_managed() {
    let server = Server::answering(vec![Answer::details(agent()); 6]).await;
    let client = server.client();
    let agents = client.agents();

    let created =
        agents.create(CreateAgentRequest::new("Research agent").idempotency_key(key())).await.unwrap();
    agents.get("agent1").await.unwrap();
    agents.update("agent1", UpdateAgentRequest::new().description("reads")).await.unwrap();
    agents.show(ShowAgentQuery::new().external_identifier("research").include_counts(true)).await.unwrap();
    agents.retire("agent1").await.unwrap();
    agents.reinstate("agent1").await.unwrap();

    assert!(created.available_actions.unwrap().retire);
    let sent = server.sent();
    assert_eq!(sent[0].line, "POST /api/v1/agent");
    assert_eq!(sent[0].json(), json!({"details": {"name": "Research agent"}, "idempotency_key": "key-0001"}));
    assert_eq!(sent[1].line, "GET /api/v1/agent/agent1");
    assert_eq!(sent[2].line, "PUT /api/v1/agent/agent1");
    assert_eq!(sent[2].json(), json!({"details": {"description": "reads"}}));
    assert_eq!(sent[3].line, "GET /api/v1/agent/show?external_identifier=research&include_counts=true");
    assert_eq!((sent[4].line.as_str(), sent[4].body.as_str()), ("POST /api/v1/agent/agent1/retire", ""));
    assert_eq!((sent[5].line.as_str(), sent[5].body.as_str()), ("POST /api/v1/agent/agent1/reinstate", ""));
}

#[tokio::test]
async fn an_agent_is_deleted_whatever_the_answer_holds() {
    let server = Server::answering([Answer::text(200, ""), Answer::error(404, "not_found")]).await;
    let client = server.client();

    client.agents().delete("agent1").await.unwrap();
    let error = client.agents().delete("agent1").await.unwrap_err();

    assert_eq!(error.code(), Some("not_found"));
    assert_eq!(server.sent()[0].line, "DELETE /api/v1/agent/agent1");
}

#[tokio::test]
async fn bulk_results_are_found_by_item() {
    let outputs = json!({
        "key-0001": {"status": "success", "details": {"id": "span1"}},
        "key-0002": {"status": "error", "code": "not_found", "message": "no such run"},
    });
    let server =
        Server::answering([Answer::json(200, &json!({"status": "success", "outputs": outputs}))]).await;
    let item = |key: &str| {
        BulkItem::new("agent_spans/create", IdempotencyKey::new(key).unwrap())
            .with("details", json!({"schema_name": "agent:llm"}))
            .unwrap()
    };
    let request = BulkRequest::new(["key-0001", "key-0002", "key-0003"].map(item).to_vec()).unwrap();

    let response = server.client().bulk().execute(&request).await.unwrap();

    let outputs: Vec<_> = request.items().iter().map(|item| response.output(item)).collect();
    assert!(outputs[0].unwrap().is_success());
    assert_eq!(outputs[1].unwrap().error().unwrap().code, "not_found");
    assert!(outputs[2].is_none());
    assert_eq!(server.only().line, "POST /api/v1/bulk");
    assert_eq!(
        server.only().json()["items"][0],
        json!({"_type": "agent_spans/create", "idempotency_key": "key-0001", "details": {"schema_name": "agent:llm"}})
    );
}

#[tokio::test]
async fn any_path_can_be_asked_for() {
    let server = Server::answering([Answer::json(200, &json!({"status": "success", "x": 1}))]).await;

    let answer = server
        .client()
        .request(Method::PUT, "/api/v1/thing")
        .params([("a", "1 2")])
        .json_data(&json!({"b": 2}))
        .idempotency_key(key())
        .send()
        .await
        .unwrap();

    assert_eq!(answer["x"], 1);
    let sent = server.only();
    assert_eq!(sent.line, "PUT /api/v1/thing?a=1+2");
    assert_eq!(sent.body, r#"{"b":2}"#);
    assert_eq!(sent.header("idempotency-key"), Some("key-0001"));
}
