//! The TLS settings of this client alone: no process-wide provider is installed or needed.
//!
//! Cryptography is ring's: it builds everywhere with a C compiler alone. Certificates are judged by the platform, so that a
//! company's own authorities and the operating system's updates count; a list compiled in would age and know neither.

use std::sync::Arc;

use rustls::{ClientConfig, Error, RootCertStore, crypto::ring};
use rustls_platform_verifier::BuilderVerifierExt;

use crate::ApiUrl;

/// Settings for this address. Over `http` no certificate is ever seen: then nothing is trusted, and a system without any
/// certificates (a bare container) is no obstacle.
pub(crate) fn client_config(url: &ApiUrl) -> Result<ClientConfig, Error> {
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?;
    if url.is_https() {
        Ok(builder.with_platform_verifier()?.with_no_client_auth())
    } else {
        Ok(builder.with_root_certificates(RootCertStore::empty()).with_no_client_auth())
    }
}

#[cfg(test)]
mod tests {
    use rustls::crypto::CryptoProvider;

    use super::*;

    #[test]
    fn the_process_is_left_alone() {
        // May fail on a system without certificates, which is no concern here.
        let _ = client_config(&ApiUrl::default());

        assert!(client_config(&ApiUrl::new("http://localhost").unwrap()).is_ok());
        assert!(CryptoProvider::get_default().is_none());
    }
}
