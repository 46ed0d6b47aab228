use super::*;
use http::Request;
use proptest::prelude::*;
use rstest::rstest;

fn gate(token: Option<&str>) -> Gate {
    let address = "127.0.0.1:4788".parse().unwrap();
    Gate::new(address, token.map(str::to_owned)).unwrap()
}

fn head(method: &str, target: &str, lines: &[(&str, &str)]) -> Parts {
    let mut request = Request::builder().method(method).uri(target);
    for (name, value) in lines {
        request = request.header(*name, *value);
    }
    request.body(()).unwrap().into_parts().0
}

fn verdict(gate: &Gate, mut head: Parts, raw: &str) -> Result<(), Refusal> {
    gate.pass(&mut head, || raw.as_bytes().to_vec())
}

#[rstest]
#[case("127.0.0.1:4788", true)]
#[case("localhost:4788", true)]
#[case("LocalHost:4788", true)]
#[case("[::1]:4788", true)]
#[case("127.0.0.1", false)]
#[case("localhost", false)]
#[case("127.0.0.1:4787", false)]
#[case("127.0.0.2:4788", false)]
#[case("evil.example:4788", false)]
#[case("evil.example", false)]
#[case("localhost:4788.evil.example", false)]
#[case("localhost.:4788", false)]
#[case("0x7f.1:4788", false)]
#[case("", false)]
fn only_our_own_names_are_answered(#[case] host: &str, #[case] passes: bool) {
    let got = verdict(
        &gate(None),
        head("POST", "/v1/messages", &[("host", host)]),
        "",
    );
    let refused = Err(Refusal::ForeignHost(4788));
    assert_eq!(got, if passes { Ok(()) } else { refused });
}

#[test]
fn a_host_must_be_there_once() {
    let gate = gate(None);
    let refused = Err(Refusal::ForeignHost(4788));
    assert_eq!(verdict(&gate, head("GET", "/", &[]), ""), refused);
    let twice = [("host", "localhost:4788"), ("host", "evil.example")];
    assert_eq!(verdict(&gate, head("GET", "/", &twice), ""), refused);
}

#[test]
fn on_port_80_the_port_may_be_left_out() {
    let gate = Gate::new("127.0.0.1:80".parse().unwrap(), None).unwrap();
    for host in ["localhost", "localhost:80", "127.0.0.1", "[::1]"] {
        assert_eq!(
            verdict(&gate, head("GET", "/", &[("host", host)]), ""),
            Ok(())
        );
    }
    let evil = head("GET", "/", &[("host", "evil")]);
    assert_eq!(verdict(&gate, evil, ""), Err(Refusal::ForeignHost(80)));
}

#[rstest]
#[case("CONNECT", "api.anthropic.com:443", Refusal::Connect)]
#[case("GET", "http://127.0.0.1:4788/v1/models", Refusal::Absolute)]
#[case("GET", "http://evil.example/", Refusal::Absolute)]
#[case("GET", "https://api.anthropic.com/v1/models", Refusal::Absolute)]
fn it_is_no_proxy_for_anything_else(
    #[case] method: &str,
    #[case] target: &str,
    #[case] want: Refusal,
) {
    let asked = head(method, target, &[("host", "127.0.0.1:4788")]);
    assert_eq!(verdict(&gate(None), asked, ""), Err(want));
}

#[rstest]
#[case(
    "POST / HTTP/1.1\r\nHost: localhost:4788\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    true
)]
#[case(
    "\r\nPOST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nContent-Length: 5\r\n\r\n",
    true
)]
#[case("POST / HTTP/1.1\nTransfer-Encoding: chunked\n\n", true)]
#[case(
    "POST / HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
    false
)]
#[case(
    "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\ncontent-LENGTH:5\r\n\r\n",
    false
)]
#[case(
    "POST / HTTP/1.1\nTransfer-Encoding: chunked\nContent-Length: 5\n\n",
    false
)]
#[case(
    "POST / HTTP/1.1\r\nContent-Length : 5\r\nTransfer-Encoding: chunked\r\n\r\n",
    false
)]
// What was not seen from its start to its end proves nothing.
#[case("", false)]
#[case("x: y\r\n\r\n", false)]
#[case("GET / HTTP/1.1\r\n\r\n", false)]
#[case("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n", false)]
fn a_chunked_request_has_no_other_length(#[case] raw: &str, #[case] passes: bool) {
    let lines = [("host", "localhost:4788"), ("transfer-encoding", "chunked")];
    let got = verdict(&gate(None), head("POST", "/", &lines), raw);
    assert_eq!(
        got,
        if passes {
            Ok(())
        } else {
            Err(Refusal::TwoLengths)
        }
    );
}

#[test]
fn upgrades_are_refused_but_an_offer_of_http_2_is_not_taken() {
    let asked = |wanted| {
        head(
            "GET",
            "/",
            &[("host", "localhost:4788"), ("upgrade", wanted)],
        )
    };
    assert_eq!(
        verdict(&gate(None), asked("websocket"), ""),
        Err(Refusal::Upgrade)
    );
    assert_eq!(verdict(&gate(None), asked("h2c"), ""), Ok(()));
}

#[rstest]
#[case("/v1/messages", Some("s3cret"), Some("/v1/messages"))]
#[case(
    "/t/s3cret/v1/messages?beta=true",
    None,
    Some("/v1/messages?beta=true")
)]
#[case("/t/s3cret", None, Some("/"))]
#[case("/t/s3cret?x=1", None, Some("/?x=1"))]
#[case("/t/s3cret/t/s3cret/x", None, Some("/t/s3cret/x"))]
#[case("/t/other/v1/messages", Some("s3cret"), Some("/t/other/v1/messages"))]
#[case("/v1/messages", None, None)]
#[case("/v1/messages", Some("s3cre"), None)]
#[case("/v1/messages", Some("s3crets"), None)]
#[case("/v1/messages", Some(""), None)]
#[case("/t//v1/messages", None, None)]
#[case("/t/wrong/v1/messages", None, None)]
#[case("/t/s3cret/v1/messages", Some("wrong"), None)]
fn a_token_opens_and_is_never_forwarded(
    #[case] target: &str,
    #[case] header: Option<&str>,
    #[case] want: Option<&str>,
) {
    let mut lines = vec![("host", "127.0.0.1:4788")];
    lines.extend(header.map(|token| ("x-ratetop-token", token)));
    let mut asked = head("POST", target, &lines);
    let got = gate(Some("s3cret")).pass(&mut asked, Vec::new);
    match want {
        Some(want) => {
            assert_eq!(got, Ok(()));
            assert_eq!(asked.uri.to_string(), want);
            assert!(!asked.headers.contains_key(TOKEN));
        }
        None => assert_eq!(got, Err(Refusal::Token)),
    }
}

#[test]
fn other_machines_need_a_token() {
    let address = "0.0.0.0:4788".parse().unwrap();
    let why = Gate::new(address, None).err().unwrap();
    assert!(why.contains("--token-file"), "{why}");
    let gate = Gate::new(address, Some("s3cret".into())).unwrap();
    let lines = [("host", "build-7:4788"), ("x-ratetop-token", "s3cret")];
    assert_eq!(verdict(&gate, head("GET", "/", &lines), ""), Ok(()));
    let asked = head("GET", "/", &lines[..1]);
    assert_eq!(verdict(&gate, asked, ""), Err(Refusal::Token));
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic_and_none_pass_with_a_second_length(
        before in "[ -~\r\n]{0,60}",
        after in "[ -~\r\n]{0,60}",
    ) {
        let lines = [("host", "localhost:4788"), ("transfer-encoding", "chunked")];
        let raw = format!("POST / HTTP/1.1\r\n{before}");
        let _ = verdict(&gate(None), head("POST", "/", &lines), &raw);
        // A length that stands in the head, wherever that is.
        let before = before.replace(['\r', '\n'], "");
        let raw = format!("POST / HTTP/1.1\r\nx:{before}\r\nContent-Length: 1\r\n{after}\r\n\r\n");
        let got = verdict(&gate(None), head("POST", "/", &lines), &raw);
        prop_assert_eq!(got, Err(Refusal::TwoLengths));
    }
}
