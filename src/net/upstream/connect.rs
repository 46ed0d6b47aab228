//! Opening a connection: name, proxy, TLS. Certificates are read only where TLS is spoken.

use super::{
    super::{base::Base, transport::Broken, trouble},
    stream::Stream,
};
use http::{HeaderValue, Uri};
use hyper_util::{
    client::{
        legacy::connect::{HttpConnector, proxy::Tunnel},
        proxy::matcher::Matcher,
    },
    rt::TokioIo,
};
use rustls_platform_verifier::ConfigVerifierExt;
use std::{error::Error, sync::Arc, time::Duration};
use tokio::{net::TcpStream, sync::OnceCell, time::timeout};
use tokio_rustls::{
    TlsConnector,
    rustls::{ClientConfig, pki_types::ServerName},
};
use tower_service::Service;

/// To connect, and then again for TLS.
const PATIENCE: Duration = Duration::from_secs(10);
/// Between signs of life that the kernel asks for: a long silent answer must not fall to a router.
const KEEP_ALIVE: Duration = Duration::from_mins(1);

/// As TLS calls it.
const HTTP2: &[u8] = b"h2";

/// Opens connections to one address.
pub struct Connector {
    base: Base,
    tcp: HttpConnector,
    proxy: Option<Proxy>,
    tls: OnceCell<TlsConnector>,
    /// Whether HTTP/2 is to be spoken.
    http2: bool,
}

/// A proxy of the environment.
struct Proxy {
    uri: Uri,
    auth: Option<HeaderValue>,
}

impl Connector {
    /// Nothing is opened yet. Loopback never takes a proxy.
    pub fn new(base: Base) -> Result<Self, String> {
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_keepalive(Some(KEEP_ALIVE));
        tcp.set_connect_timeout(Some(PATIENCE));
        let proxy = if base.is_loopback() {
            None
        } else {
            of_environment(&base)?
        };
        Ok(Self {
            base,
            tcp,
            proxy,
            tls: OnceCell::new(),
            http2: false,
        })
    }

    /// What is opened from now on is for HTTP/2.
    pub const fn want_http2(&mut self) {
        self.http2 = true;
    }

    pub fn base(&self) -> &Base {
        &self.base
    }

    /// Whether requests go unencrypted through a proxy, which wants the whole address in each.
    pub fn is_behind_plain_proxy(&self) -> bool {
        self.proxy.is_some() && self.base.is_plain_http()
    }

    pub async fn open(&self) -> Result<Stream, Broken> {
        let tcp = self.tcp().await?;
        if self.base.is_plain_http() {
            return Ok(Stream::Plain(tcp));
        }
        let place = self.base.host_and_port();
        let bare = self.base.host().trim_matches(['[', ']']).to_owned();
        let name = ServerName::try_from(bare)
            .map_err(|_| trouble::tls(&place, "no certificate can be for this name"))?;
        let connecting = self.tls().await?.connect(name, tcp);
        match timeout(PATIENCE, connecting).await {
            Err(_) => Err(trouble::no_connection_in_time(&place, PATIENCE)),
            Ok(Err(error)) => Err(trouble::tls(&place, &trouble::innermost(&error))),
            Ok(Ok(stream)) => {
                let agreed = stream.get_ref().1.alpn_protocol();
                if self.http2 && agreed != Some(HTTP2) {
                    return Err(trouble::no_http2(&place, "it did not agree on h2"));
                }
                Ok(Stream::Tls(Box::new(stream)))
            }
        }
    }

    async fn tcp(&self) -> Result<TcpStream, Broken> {
        let place = self.base.host_and_port();
        let said = |error: &(dyn Error + 'static)| {
            let place = match &self.proxy {
                Some(proxy) => format!("{place} through the proxy {}", shown(&proxy.uri)),
                None => place.clone(),
            };
            trouble::of_connect(error, &place, PATIENCE)
        };
        let mut tcp = self.tcp.clone();
        let opened = match &self.proxy {
            None => {
                let uri = self.uri()?;
                tcp.call(uri).await.map_err(|error| said(&error))
            }
            Some(proxy) if self.base.is_plain_http() => tcp
                .call(proxy.uri.clone())
                .await
                .map_err(|error| said(&error)),
            Some(proxy) => {
                let mut tunnel = Tunnel::new(proxy.uri.clone(), tcp);
                if let Some(auth) = &proxy.auth {
                    tunnel = tunnel.with_auth(auth.clone());
                }
                let uri = self.uri()?;
                tunnel.call(uri).await.map_err(|error| said(&error))
            }
        };
        opened.map(TokioIo::into_inner)
    }

    fn uri(&self) -> Result<Uri, Broken> {
        let scheme = if self.base.is_plain_http() {
            "http"
        } else {
            "https"
        };
        let place = self.base.host_and_port();
        Uri::try_from(format!("{scheme}://{place}/"))
            .map_err(|_| trouble::broken(&place, "this address cannot be written as a URI"))
    }

    async fn tls(&self) -> Result<&TlsConnector, Broken> {
        self.tls
            .get_or_try_init(|| async {
                let place = self.base.host_and_port();
                let reading = tokio::task::spawn_blocking(|| {
                    // Fails only when somebody installed one before, which is as good.
                    let _ = rustls::crypto::ring::default_provider().install_default();
                    ClientConfig::with_platform_verifier()
                });
                let mut config = reading
                    .await
                    .map_err(|_| trouble::broken(&place, "its certificates could not be read"))?
                    .map_err(|error| trouble::no_certificates(&error, &place))?;
                if self.http2 {
                    config.alpn_protocols = vec![HTTP2.to_vec()];
                }
                Ok(TlsConnector::from(Arc::new(config)))
            })
            .await
    }

    pub fn no_answer(&self, error: &(dyn Error + 'static)) -> Broken {
        trouble::no_answer(error, &self.base.host_and_port())
    }

    pub fn broke(&self, error: &(dyn Error + 'static)) -> Broken {
        trouble::in_answer(error, &self.base.host_and_port())
    }
}

fn of_environment(base: &Base) -> Result<Option<Proxy>, String> {
    let Ok(uri) = Uri::try_from(base.as_str()) else {
        return Ok(None);
    };
    let Some(found) = Matcher::from_env().intercept(&uri) else {
        return Ok(None);
    };
    let proxy = Proxy {
        uri: found.uri().clone(),
        auth: found.basic_auth().cloned(),
    };
    if proxy.uri.scheme_str() != Some("http") {
        return Err(format!(
            "the proxy {} of the environment cannot be used: only one that begins with http:// can",
            shown(&proxy.uri)
        ));
    }
    Ok(Some(proxy))
}

/// Without a password.
fn shown(uri: &Uri) -> String {
    let port = uri
        .port_u16()
        .map_or_else(String::new, |port| format!(":{port}"));
    crate::domain::clean::clean(&format!("{}{port}", uri.host().unwrap_or("?")), 100)
}
