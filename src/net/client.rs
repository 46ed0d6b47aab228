//! Our own calls to any address, by reqwest: TLS, proxies of the environment, HTTP/2 where it is spoken.

use super::{
    base::Base,
    outbound::USER_AGENT,
    transport::{Broken, Request},
    trouble,
};
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use std::time::Duration;
use tokio::sync::OnceCell;

/// The way out.
pub(super) struct Client {
    base: Base,
    connect: Duration,
    made: OnceCell<reqwest::Client>,
}

/// An answer's body on its way. Dropping it before its end closes the connection.
pub(super) struct Answer {
    response: reqwest::Response,
    place: String,
}

impl Client {
    /// Nothing is opened yet.
    pub(super) const fn new(base: Base, connect: Duration) -> Self {
        Self {
            base,
            connect,
            made: OnceCell::const_new(),
        }
    }

    /// The client, made at the first use: reading the machine's certificates takes a while.
    async fn client(&self) -> Result<&reqwest::Client, Broken> {
        self.made
            .get_or_try_init(|| async {
                let (base, connect) = (self.base.clone(), self.connect);
                let place = self.base.host_and_port();
                tokio::task::spawn_blocking(move || build(&base, connect))
                    .await
                    .map_err(|_| trouble::broken(&place, "the client could not be made"))?
                    .map_err(|error| trouble::of_client(&error, &place))
            })
            .await
    }

    /// Sends one request, once, and waits for the head of its answer.
    pub(super) async fn send(
        &self,
        request: Request,
    ) -> Result<(StatusCode, HeaderMap, Answer), Broken> {
        let place = self.base.host_and_port();
        let client = self.client().await?;
        let url = format!("{}{}", self.base.as_str(), request.target);
        let mut response = client
            .request(request.method, url)
            .headers(request.headers)
            .body(request.body)
            .send()
            .await
            .map_err(|error| trouble::of_request(error, &place, self.connect))?;
        let headers = std::mem::take(response.headers_mut());
        Ok((response.status(), headers, Answer { response, place }))
    }
}

impl Answer {
    /// The next piece; none at the end.
    pub(super) async fn chunk(&mut self) -> Result<Option<Bytes>, Broken> {
        let chunk = self.response.chunk().await;
        chunk.map_err(|error| trouble::of_body(error, &self.place))
    }
}

/// Makes the client. One on this machine uses neither the proxies of the environment nor certificates,
/// and works where there is no certificate store.
fn build(base: &Base, connect: Duration) -> Result<reqwest::Client, reqwest::Error> {
    // Fails only when somebody installed one before, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut builder = reqwest::Client::builder()
        .user_agent(USER_AGENT)
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .referer(false)
        .tcp_nodelay(true)
        .connect_timeout(connect)
        .http1_ignore_invalid_headers_in_responses(true);
    if base.is_loopback() {
        builder = builder.no_proxy();
        if base.is_plain_http() {
            builder = builder.tls_certs_only(std::iter::empty());
        }
    }
    builder.build()
}
