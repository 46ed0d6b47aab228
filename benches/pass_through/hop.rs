//! The smallest hop that hyper and hyper-util's client make: it changes `Host`, hears nothing, keeps no
//! case of names. What is above it is what the tap adds.

use crate::Failure;
use http::header::{CONNECTION, HOST, TE, TRANSFER_ENCODING, UPGRADE};
use hyper::{Request, Uri, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioIo},
};
use std::net::SocketAddr;
use tokio::net::TcpListener;

/// Serves for ever.
pub(crate) async fn serve(listen: SocketAddr, upstream: String) -> Result<(), Failure> {
    let listener = TcpListener::bind(listen).await?;
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    let client: Client<_, Incoming> = Client::builder(TokioExecutor::new()).build(connector);
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let (client, upstream) = (client.clone(), upstream.clone());
        let service = service_fn(move |mut request: Request<Incoming>| {
            let asked = request.uri().path_and_query().map_or("/", |it| it.as_str());
            let target = Uri::try_from(format!("http://{upstream}{asked}"));
            let client = client.clone();
            async move {
                *request.uri_mut() = target?;
                for name in [CONNECTION, TRANSFER_ENCODING, TE, UPGRADE, HOST] {
                    request.headers_mut().remove(name);
                }
                let mut response = client.request(request).await?;
                for name in [CONNECTION, TRANSFER_ENCODING, TE, UPGRADE] {
                    response.headers_mut().remove(name);
                }
                Ok::<_, Failure>(response)
            }
        });
        tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
    }
}
