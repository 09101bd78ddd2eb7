use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use axum::http::header;
use bytes::Bytes;
use futures_util::StreamExt as _;
use hyper::body::{Body as HttpBody, Frame, SizeHint};

/// Of a body that nobody read, so much is drawn and thrown away; as much as a batch may have.
const MOST_BYTES: usize = 64 << 20;
/// And for so long at most.
const GRACE: Duration = Duration::from_secs(5);

/// A connection that is closed while its client still sends is reset, and the client may never see the answer that
/// says why: 429, 401, 413. So what is left of a body is drawn, thrown away, after its answer is made.
pub(super) async fn draw_the_rest(request: Request) -> Request {
    // Who waits for `100 Continue` has not begun to send, and shall not.
    if request.headers().contains_key(header::EXPECT) {
        return request;
    }
    request.map(|body| Body::new(Drawn(Some(body))))
}

/// A body that is drawn to its end when it is dropped before.
struct Drawn(Option<Body>);

impl HttpBody for Drawn {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let Some(body) = self.0.as_mut() else {
            return Poll::Ready(None);
        };
        let frame = ready!(Pin::new(body).poll_frame(context));
        if !matches!(frame, Some(Ok(_))) {
            self.0 = None;
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.0.as_ref().is_none_or(HttpBody::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.0
            .as_ref()
            .map_or_else(|| SizeHint::with_exact(0), HttpBody::size_hint)
    }
}

impl Drop for Drawn {
    fn drop(&mut self) {
        let rest = self.0.take().filter(|body| !body.is_end_stream());
        if let (Some(body), Ok(runtime)) = (rest, tokio::runtime::Handle::try_current()) {
            runtime.spawn(tokio::time::timeout(GRACE, draw(body)));
        }
    }
}

async fn draw(body: Body) {
    let mut parts = body.into_data_stream();
    let mut drawn = 0;
    while let Some(Ok(part)) = parts.next().await {
        drawn += part.len();
        if drawn > MOST_BYTES {
            return;
        }
    }
}
