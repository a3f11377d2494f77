use std::collections::BTreeSet;
use std::convert::Infallible;

use tower::{ServiceExt, service_fn};

use super::*;

/// Returns the ids that the inner service got, and the one that the client got.
async fn ids(request: Request<()>) -> (String, String, String) {
    let service = RequestIdLayer::new().layer(service_fn(async |request: Request<()>| {
        let id = request.extensions().get::<RequestId>().unwrap().to_string();
        let header = request.headers()[RequestId::HEADER].to_str().unwrap().to_owned();
        // The header of the inner service does not count.
        let response = Response::builder().header(RequestId::HEADER, "its own").body((id, header));
        Ok::<_, Infallible>(response.unwrap())
    }));
    let response = service.oneshot(request).await.unwrap();
    let all: Vec<_> = response.headers().get_all(RequestId::HEADER).iter().collect();
    let [echoed] = all[..] else { panic!("{all:?}") };
    let echoed = echoed.to_str().unwrap().to_owned();
    let (id, header) = response.into_body();
    (id, header, echoed)
}

fn with(values: &[&[u8]]) -> Request<()> {
    let mut request = Request::new(());
    for value in values {
        request.headers_mut().append(RequestId::HEADER, HeaderValue::from_bytes(value).unwrap());
    }
    request
}

#[tokio::test]
async fn a_valid_id_is_used() {
    let longest = [b'a'; MAX_BYTES];
    for id in [&b"7"[..], b"8e03978e-40d5-43dd-bc93-6894a57f9324", b"Root=1-67891233-abcdef;a/b:c,d@e|#~", &longest] {
        let text = str::from_utf8(id).unwrap();
        assert_eq!(ids(with(&[id])).await, (text.into(), text.into(), text.into()));
    }
}

#[tokio::test]
async fn any_other_id_is_replaced_everywhere() {
    let long = [b'a'; MAX_BYTES + 1];
    let huge = vec![b'a'; 60_000];
    for sent in [
        &[][..],
        &[&b""[..]],
        &[b"a b"],
        &[b"a\tb"],
        &[b"a\"b"],
        &[b"a}:level=ERROR{"],
        &[b"a\\nb"],
        &[b"<a>"],
        &[b"a'b"],
        &[b"\xff\xfe"],
        &["schl\u{fc}ssel".as_bytes()],
        &[&long],
        &[&huge],
        &[b"one", b"two"],
        &[&b"same"[..]; 1_000],
    ] {
        let (id, header, echoed) = ids(with(sent)).await;
        assert_eq!((&header, &echoed), (&id, &id));
        assert!(id.len() == 33 && id.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-'), "{id}");
    }
}

#[test]
fn generated_ids_are_never_equal() {
    let made: BTreeSet<_> = std::thread::scope(|scope| {
        let threads: Vec<_> =
            (0..8).map(|_| scope.spawn(|| [(); 1_000].map(|()| RequestId::generate().to_string()))).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(made.len(), 8_000);
}

#[tokio::test]
async fn a_layer_that_is_switched_off_changes_no_request() {
    let service = RequestIdLayer::off().layer(service_fn(async |request: Request<()>| {
        assert!(request.extensions().get::<RequestId>().is_none() && request.headers().is_empty());
        Ok::<_, Infallible>(Response::new(()))
    }));
    assert!(service.oneshot(with(&[])).await.unwrap().headers().is_empty());
}
