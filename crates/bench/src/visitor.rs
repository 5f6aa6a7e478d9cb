//! Somebody at the console: signs in, and looks at pages over one kept connection.

use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use bytes::Bytes;
use http::{Method, StatusCode, header};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use wire::protocol::percent;

use crate::server::{KEY_ID, KEY_SECRET};

const SIGN_IN: &str = "/console/sign-in";

/// A signed-in session.
pub struct Visitor {
    sender: SendRequest<Full<Bytes>>,
    host: String,
    /// As it is sent: names and values.
    cookies: String,
}

struct Page {
    status: StatusCode,
    cookies: Vec<String>,
    body: String,
}

impl Visitor {
    /// Signs in with the key of the benchmark's servers.
    ///
    /// # Errors
    /// There is no console, or it lets nobody in.
    pub async fn sign_in(address: &str) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let (sender, connection) = handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        let mut visitor = Self { sender, host: address.into(), cookies: String::new() };
        let form = visitor.ask(Method::GET, SIGN_IN, String::new()).await?;
        visitor.cookies = form.cookies.join("; ");
        let token = form.body.split_once("name=\"form-token\" value=\"").context("no form to sign in")?.1;
        let token = token.split('"').next().unwrap_or_default();
        let fields = [("form-token", token), ("access-key-id", KEY_ID), ("access-key-secret", KEY_SECRET)];
        let fields = fields.map(|(name, value)| format!("{name}={}", percent::encode(value)));
        let entered = visitor.ask(Method::POST, SIGN_IN, fields.join("&")).await?;
        ensure!(entered.status == StatusCode::SEE_OTHER, "signing in is answered {}", entered.status);
        visitor.cookies = entered.cookies.join("; ");
        Ok(visitor)
    }

    /// Looks at a page, whole; gives the time it took.
    ///
    /// # Errors
    /// It is not answered with 200, or does not hold what it should.
    pub async fn look(&mut self, path: &str, holds: &str) -> anyhow::Result<Duration> {
        let begun = Instant::now();
        let page = self.ask(Method::GET, path, String::new()).await?;
        let took = begun.elapsed();
        if page.status != StatusCode::OK {
            bail!("{path} is answered {}", page.status);
        }
        ensure!(page.body.contains(holds), "{path} does not hold {holds:?}");
        Ok(took)
    }

    async fn ask(&mut self, method: Method, path: &str, form: String) -> anyhow::Result<Page> {
        let request = http::Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, &self.host)
            .header(header::ACCEPT, "text/html")
            .header(header::COOKIE, &self.cookies)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Full::new(Bytes::from(form)))?;
        let response = self.sender.send_request(request).await?;
        let (head, body) = response.into_parts();
        let cookies = head.headers.get_all(header::SET_COOKIE).iter();
        let cookies = cookies.filter_map(|cookie| cookie.to_str().ok()?.split(';').next()).map(Into::into);
        let cookies = cookies.collect();
        let body = String::from_utf8(body.collect().await?.to_bytes().into())?;
        Ok(Page { status: head.status, cookies, body })
    }
}
