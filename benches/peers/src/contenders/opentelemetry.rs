use std::net::SocketAddr;
use std::time::{Duration, Instant};

use opentelemetry::KeyValue;
use opentelemetry::trace::{Span, Tracer, TracerProvider};
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig};
use opentelemetry_sdk::trace::{BatchConfigBuilder, BatchSpanProcessor, SdkTracer, SdkTracerProvider};

use super::{End, Room, Settings};
use crate::http::spans_taken;
use crate::span;

const PATIENCE: Duration = Duration::from_secs(120);

/// The SDK's batch processor with its documented settings, on a thread of its own, and OTLP over HTTP as protobuf.
pub struct OpenTelemetry {
    provider: SdkTracerProvider,
    tracer: SdkTracer,
    sink: SocketAddr,
    taken_before: u64,
}

impl OpenTelemetry {
    pub(super) fn start(settings: &Settings) -> Self {
        // Our client wants reqwest without a provider of its own, and cargo unites the features of both.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let path = settings.server.path();
        let exporter = SpanExporter::builder()
            .with_http()
            .with_protocol(Protocol::HttpBinary)
            .with_endpoint(format!("http://{}{path}/v1/traces", settings.sink))
            .with_timeout(Duration::from_secs(30))
            .build()
            .expect("an exporter");
        let mut batches = BatchConfigBuilder::default();
        if let Room::Spans(spans) = settings.room {
            batches = batches.with_max_queue_size(spans);
        }
        let processor = BatchSpanProcessor::builder(exporter).with_batch_config(batches.build()).build();
        let provider = SdkTracerProvider::builder().with_span_processor(processor).build();
        let tracer = provider.tracer("peers");
        let taken_before = spans_taken(settings.sink).expect("the sink answers");
        Self { provider, tracer, sink: settings.sink, taken_before }
    }

    pub(super) fn caller(&self) -> Box<dyn FnMut(u64) + '_> {
        let texts = span::Texts::new();
        Box::new(move |step| {
            let attributes = [
                KeyValue::new("model", span::MODEL),
                KeyValue::new("temperature", span::TEMPERATURE),
                KeyValue::new("step", step as i64),
                KeyValue::new("stream", span::STREAM),
                KeyValue::new("prompt", texts.prompt.clone()),
            ];
            let mut span =
                self.tracer.span_builder(span::NAME).with_attributes(attributes).start(&self.tracer);
            span.set_attribute(KeyValue::new("tokens", step as i64));
            span.set_attribute(KeyValue::new("text", texts.text.clone()));
            span.end();
        })
    }

    pub(super) fn flush(&self) {
        let deadline = Instant::now() + PATIENCE;
        // A flush gives up after a few seconds, and goes on where it was when it is asked again.
        while self.provider.force_flush().is_err() && Instant::now() < deadline {}
    }

    pub(super) fn finish(&self, made: u64) -> End {
        self.flush();
        let taken = spans_taken(self.sink).expect("the sink answers") - self.taken_before;
        End { lost: made - taken, traffic: None }
    }
}
