//! Two agents at work, reported to an emulator inside this process: no account, no token, no network.
//!
//! `cargo run --example quickstart`

#![expect(clippy::print_stdout, reason = "an example talks to its reader")]

use std::error::Error;
use std::time::Duration;

use prefactor::http::{AgentSpan, HttpClientConfig, ListSpansQuery, PrefactorClient};
use prefactor::{AgentVersion, InSpan, Instance, Prefactor, Schemas, SpanContext};
use prefactor_emulator::Emulator;
use serde::Serialize;
use serde_json::json;
use tokio::time::sleep;

#[derive(Serialize)]
struct LlmCall<'a> {
    model: &'a str,
    prompt: &'a str,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let emulator = Emulator::start().await?;
    let prefactor =
        Prefactor::builder().api_url(emulator.url().parse()?).api_token(emulator.token().parse()?).build()?;
    let schemas = Schemas::new()
        .span("agent:llm", json!({ "type": "object", "required": ["model", "prompt"] }))
        .span("agent:tool", json!({ "type": "object", "required": ["name"] }));

    let start = |name| prefactor.instance(AgentVersion::new(name, "v1.4.0")).schemas(schemas.clone()).start();
    let (researcher, writer) = (start("researcher"), start("writer"));
    tokio::join!(research(&researcher), write(&writer));

    let report = prefactor.shutdown(Duration::from_secs(5)).await;

    // What the API knows now, read back over HTTP.
    let config = HttpClientConfig::new(emulator.url().parse()?, emulator.account_token().parse()?);
    let client = PrefactorClient::new(config)?;
    for (name, run) in [("researcher", &researcher), ("writer", &writer)] {
        let id = run.id().ok_or("the run was not registered")?.to_string();
        let instance = client.agent_instances().get(&id).await?;
        println!("{name} {id} {}", instance.status);
        let spans = client.agent_spans().list(ListSpansQuery::new(id)).await?.summaries;
        print_tree(&spans, None, 1);
    }
    println!("{}", report.ledger);
    Ok(())
}

/// An agent whose model calls two tools, one of which fails.
async fn research(run: &Instance) {
    let llm = run.span("agent:llm", &LlmCall { model: "m-1", prompt: "why is the sky blue?" });
    // The tools find their parent without its being passed to them.
    tokio::join!(search("sky").in_span(&llm), fetch("http://nowhere.invalid").in_span(&llm));
    llm.complete(&json!({ "answer": "short waves scatter most" }));
    run.record_quality("helpfulness", &json!({ "score": 4 }));
    run.finish();
}

async fn search(query: &str) {
    let tool = SpanContext::current().child("agent:tool", &json!({ "name": "search", "query": query }));
    sleep(Duration::from_millis(20)).await;
    tool.complete(&["Rayleigh scattering", "Tyndall effect"]);
}

async fn fetch(url: &str) {
    let tool = SpanContext::current().child("agent:tool", &json!({ "name": "fetch", "url": url }));
    sleep(Duration::from_millis(10)).await;
    tool.fail(&json!({ "error": "no such host" }));
}

/// An agent that drops one of two drafts.
async fn write(run: &Instance) {
    let chapter = run.span("agent:chapter", &json!({ "title": "On blue" }));
    let long = chapter.child("agent:llm", &LlmCall { model: "m-1", prompt: "a long draft" });
    let short = chapter.child("agent:llm", &LlmCall { model: "m-1", prompt: "a short draft" });
    sleep(Duration::from_millis(15)).await;
    short.complete(&json!({ "text": "Blue scatters." }));
    long.cancel();
    chapter.complete(&());
    run.finish();
}

fn print_tree(spans: &[AgentSpan], parent: Option<&str>, depth: usize) {
    for span in spans.iter().filter(|span| span.parent_span_id.as_deref() == parent) {
        let indent = "  ".repeat(depth);
        print!("{indent}{} {}", span.schema_name, span.status);
        match (span.started_at, span.finished_at) {
            (Some(started), Some(finished)) => println!(" {} ms", (finished - started).num_milliseconds()),
            _ => println!(),
        }
        print_tree(spans, Some(&span.id), depth + 1);
    }
}
