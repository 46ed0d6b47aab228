//! A real handshake: the tap speaks TLS to an upstream whose certificate the system trusts, and to no
//! other.

use super::{
    process::{Home, Running},
    rig::{PATIENCE, Peer},
    wire::Kind,
};
use http::{Request, Response};
use hyper::{body::Incoming, server::conn::http2, service::service_fn};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::{
    ServerConfig, ServerConnection, StreamOwned,
    crypto::ring,
    pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
};
use std::{
    io::{BufReader, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{Arc, mpsc},
};

/// An authority of this test's own.
fn authority() -> CertifiedIssuer<'static, KeyPair> {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

/// How a server proves to be `name`.
fn config(by: &CertifiedIssuer<'static, KeyPair>, name: &str) -> ServerConfig {
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
    let certificate = params.signed_by(&key, by).unwrap();
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
    ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key)
        .unwrap()
}

/// A server with a certificate for `name`; what it was asked, head by head.
fn server(
    by: &CertifiedIssuer<'static, KeyPair>,
    name: &str,
) -> (SocketAddr, mpsc::Receiver<super::wire::Message>) {
    let config = Arc::new(config(by, name));
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (tell, asked) = mpsc::channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let session = ServerConnection::new(Arc::clone(&config)).unwrap();
            serve(StreamOwned::new(session, stream.unwrap()), &tell);
        }
    });
    (address, asked)
}

fn serve(
    stream: StreamOwned<ServerConnection, TcpStream>,
    tell: &mpsc::Sender<super::wire::Message>,
) {
    let mut stream = BufReader::new(stream);
    // A client that does not trust us ends it here.
    while let Ok(Some(request)) = super::wire::message(&mut stream, Kind::Request) {
        tell.send(request).unwrap();
        let answer = "HTTP/1.1 200 OK\r\nX-Odd-Case: 1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n";
        stream.get_mut().write_all(answer.as_bytes()).unwrap();
    }
}

/// A tap that trusts what this authority vouches for, before an upstream on a port of this machine.
fn trusting(
    home: &Home,
    authority: &CertifiedIssuer<'static, KeyPair>,
    port: u16,
    more: &[&str],
) -> Running {
    let roots = home.file("roots.pem", &authority.pem(), 0o600);
    let upstream = format!("https://localhost:{port}");
    let args = [&["--upstream", &upstream], more].concat();
    Running::tap(home, &args, &[("SSL_CERT_FILE", &roots)])
}

#[test]
fn an_upstream_whose_certificate_is_trusted_gets_what_the_client_sent() {
    let (home, authority) = (Home::new(), authority());
    let (address, asked) = server(&authority, "localhost");
    let tap = trusting(&home, &authority, address.port(), &[]);
    let mut client = Peer::to(tap.address);
    let long = "v".repeat(40_000);
    for n in 0..2 {
        client.send(format!(
            "POST /v1/messages HTTP/1.1\r\nHost: {}\r\nX-API-Key: k{n}\r\nX-Long: {long}\r\nContent-Length: 2\r\n\r\n{{}}",
            tap.address
        ));
        let answer = client.next(Kind::Answer);
        assert_eq!((answer.status(), answer.text().as_str()), (200, "ok"));
        assert_eq!(answer.headers[0], ("X-Odd-Case".into(), b"1".to_vec()));
        let request = asked.recv_timeout(PATIENCE).unwrap();
        assert_eq!(request.body, b"{}");
        assert!(
            request
                .headers
                .contains(&("X-API-Key".into(), format!("k{n}").into_bytes()))
        );
        assert!(
            request
                .headers
                .contains(&("X-Long".into(), long.clone().into_bytes()))
        );
        let host = format!("localhost:{}", address.port());
        assert_eq!(request.all("host"), [host]);
    }
    let (code, _, told) = tap.end();
    assert_eq!(code, 0, "{told}");
}

#[test]
fn an_upstream_that_nobody_vouches_for_gets_nothing() {
    let (home, stranger, authority) = (Home::new(), authority(), authority());
    for (by, name) in [(&stranger, "localhost"), (&authority, "other.example")] {
        let (address, asked) = server(by, name);
        let tap = trusting(&home, &authority, address.port(), &[]);
        let mut client = Peer::to(tap.address);
        client.send(format!(
            "GET /v1/models HTTP/1.1\r\nHost: {}\r\nX-Api-Key: secret\r\n\r\n",
            tap.address
        ));
        let answer = client.next(Kind::Answer);
        assert_eq!(answer.status(), 502);
        let text = answer.text();
        assert!(text.contains("certificate"), "{text}");
        assert!(
            text.contains(&format!("localhost:{}", address.port())),
            "{text}"
        );
        let (code, ..) = tap.end();
        assert_eq!(code, 0);
        assert!(asked.try_recv().is_err(), "something was sent");
    }
}

#[test]
fn an_upstream_that_did_not_agree_on_http2_gets_no_request() {
    let (home, authority) = (Home::new(), authority());
    let (address, asked) = server(&authority, "localhost");
    let tap = trusting(&home, &authority, address.port(), &["--http2"]);
    let mut client = Peer::to(tap.address);
    let answer = tap.ask(&mut client, "GET /v1/models", "\r\n");
    assert_eq!(answer.status(), 502);
    assert!(
        answer.text().contains("HTTP/2 is not spoken there"),
        "{}",
        answer.text()
    );
    tap.end();
    assert!(asked.try_recv().is_err(), "something was sent");
}

#[test]
fn http2_is_agreed_on_in_tls() {
    let (home, authority) = (Home::new(), authority());
    let mut config = config(&authority, "localhost");
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    let (say, said) = mpsc::channel();
    let (tell, asked) = mpsc::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async move {
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            say.send(listener.local_addr().unwrap()).unwrap();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let stream = acceptor.accept(stream).await.unwrap();
                let service = service_fn(|request: Request<Incoming>| {
                    let (head, body) = request.into_parts();
                    tell.send((head.version, head.uri.to_string())).unwrap();
                    // An echo.
                    async move { Ok::<_, std::convert::Infallible>(Response::new(body)) }
                });
                let _ = http2::Builder::new(TokioExecutor::new())
                    .serve_connection(TokioIo::new(stream), service)
                    .await;
            }
        });
    });
    let address = said.recv_timeout(PATIENCE).unwrap();
    let tap = trusting(&home, &authority, address.port(), &["--http2"]);
    let mut client = Peer::to(tap.address);
    for text in ["one", "two"] {
        let rest = format!("Content-Length: 3\r\n\r\n{text}");
        let answer = tap.ask(&mut client, "POST /v1/messages", &rest);
        assert_eq!((answer.status(), answer.text().as_str()), (200, text));
        let target = format!("https://localhost:{}/v1/messages", address.port());
        let asked = asked.recv_timeout(PATIENCE).unwrap();
        assert_eq!(asked, (http::Version::HTTP_2, target));
    }
    tap.end();
}
