//! Which version of which agent a run belongs to.

use prefactor_http::{AgentVersionForRegister, RuntimeEnvironment};

/// The version of the agent that a run belongs to. What is left out is taken from the pipeline's configuration
/// (`PREFACTOR_AGENT_NAME`, `PREFACTOR_AGENT_IDENTIFIER`).
///
/// ```
/// use prefactor_pipeline::AgentVersion;
///
/// let version = AgentVersion::new("research-agent", "v1.4.0").description("finds things out");
/// # drop(version);
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AgentVersion(AgentVersionForRegister);

impl AgentVersion {
    /// A version by the agent's name and the caller's own identifier of the version.
    pub fn new(name: impl Into<String>, external_identifier: impl Into<String>) -> Self {
        Self(AgentVersionForRegister::new().name(name).external_identifier(external_identifier))
    }

    /// What the agent does, for humans.
    #[must_use]
    pub fn description(self, description: impl Into<String>) -> Self {
        Self(self.0.description(description))
    }

    /// What the agent runs on. Default: this SDK and the operating system.
    #[must_use]
    pub fn runtime_environment(self, environment: RuntimeEnvironment) -> Self {
        Self(self.0.runtime_environment(environment))
    }

    /// Fills in what was left out.
    pub(crate) fn or(self, name: Option<&String>, identifier: Option<&String>) -> AgentVersionForRegister {
        let mut version = self.0;
        version.name = version.name.or(name.cloned());
        version.external_identifier = version.external_identifier.or(identifier.cloned());
        version.runtime_environment.get_or_insert_with(|| {
            RuntimeEnvironment::new().os(std::env::consts::OS).runtime("rust").prefactor_sdk([concat!(
                "prefactor-rs@",
                env!("CARGO_PKG_VERSION")
            )
            .to_owned()])
        });
        version
    }
}
