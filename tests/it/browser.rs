//! A browser for the tests: headless Chromium, told by `chromedriver` what to do. Where it is not there the tests say so.

use std::io::{BufRead, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use base64::Engine as _;
use serde_json::{Value, json};

/// How long a page may take until something is seen on it.
const PATIENCE: Duration = Duration::from_secs(30);

/// What names an element, by the protocol.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// Keys that are no letters, by the protocol.
pub(crate) const ENTER: &str = "\u{e007}";
pub(crate) const TAB: &str = "\u{e004}";

/// A browser.
pub(crate) struct Browser {
    driver: Child,
    port: u16,
    session: String,
    /// Where pages are: `http://127.0.0.1:7700`.
    site: String,
}

/// How a browser is.
#[derive(Clone, Copy)]
pub(crate) struct How {
    pub(crate) scripts: bool,
    pub(crate) width: u32,
}

/// Where pictures are kept.
pub(crate) fn screenshots() -> PathBuf {
    PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("../screenshots")
}

/// Tells whether there is a browser; says so where there is none.
pub(crate) fn is_there() -> bool {
    let found = |program: &str| {
        Command::new(program)
            .arg("--version")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .is_ok()
    };
    let is_there = found("chromedriver") && found("chromium");
    if !is_there {
        let mut told = std::io::stderr();
        let _ = writeln!(told, "skipped: there is no chromium with its chromedriver on PATH");
    }
    is_there
}

impl Browser {
    /// Starts one.
    pub(crate) fn start(site: &str, how: How) -> Self {
        let mut driver = Command::new("chromedriver")
            .arg("--port=0")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let lines = BufReader::new(driver.stdout.take().unwrap()).lines();
        let port = lines.map_while(Result::ok).find_map(|line| {
            let (_, port) = line.split_once("successfully on port ")?;
            port.trim_end_matches('.').parse().ok()
        });
        let mut browser =
            Self { driver, port: port.unwrap(), session: String::new(), site: site.to_owned() };
        let size = format!("--window-size={},900", how.width);
        let arguments = [
            "--headless=new",
            "--no-sandbox",
            "--disable-dev-shm-usage",
            "--disable-gpu",
            "--no-proxy-server",
            &size,
        ];
        let mut options = json!({"args": arguments});
        if !how.scripts {
            options["prefs"] = json!({"profile.managed_default_content_settings.javascript": 2});
        }
        let asked = json!({"capabilities": {"alwaysMatch": {
            "browserName": "chrome", "goog:chromeOptions": options, "goog:loggingPrefs": {"browser": "ALL"},
        }}});
        let begun = browser.ask("POST", "/session", &asked);
        browser.session = format!("/session/{}", begun["sessionId"].as_str().unwrap());
        browser
    }

    /// Asks the driver something; fails where it refuses.
    fn ask(&self, method: &str, path: &str, body: &Value) -> Value {
        let answer = self.try_to(method, path, body);
        assert!(answer["error"].is_null(), "{method} {path} {body}: {answer}");
        answer
    }

    fn try_to(&self, method: &str, path: &str, body: &Value) -> Value {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        let body = if method == "GET" { String::new() } else { body.to_string() };
        let length = body.len();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\
             Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
        );
        stream.write_all(request.as_bytes()).unwrap();
        stream.set_read_timeout(Some(2 * PATIENCE)).unwrap();
        let body = body_of(&mut BufReader::new(stream));
        let answer: Value = serde_json::from_slice(&body)
            .unwrap_or_else(|error| panic!("{method} {path}: {error}"));
        answer["value"].clone()
    }

    fn post(&self, path: &str, body: &Value) -> Value {
        self.ask("POST", &format!("{}{path}", self.session), body)
    }

    /// Opens a page.
    pub(crate) fn open(&self, path: &str) {
        self.post("/url", &json!({"url": format!("{}{path}", self.site)}));
    }

    /// Where it is: the path with its parameters.
    pub(crate) fn place(&self) -> String {
        let url = self.ask("GET", &format!("{}/url", self.session), &Value::Null);
        url.as_str().unwrap().strip_prefix(&self.site).unwrap_or_default().to_owned()
    }

    fn element(&self, css: &str) -> Option<String> {
        let path = format!("{}/element", self.session);
        let found = self.try_to("POST", &path, &json!({"using": "css selector", "value": css}));
        found[ELEMENT].as_str().map(str::to_owned)
    }

    /// Waits until something is on the page.
    pub(crate) fn sees(&self, what: &str, css: &str) -> String {
        let mut found = None;
        self.until(what, || {
            found = self.element(css);
            found.is_some()
        });
        found.unwrap()
    }

    /// Waits until something is true.
    pub(crate) fn until(&self, what: &str, mut test: impl FnMut() -> bool) {
        let until = Instant::now() + PATIENCE;
        while !test() {
            assert!(Instant::now() < until, "never: {what} at {}\n{}", self.place(), self.text());
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// What the page says.
    pub(crate) fn text(&self) -> String {
        let body = self.element("body").unwrap_or_default();
        let path = format!("{}/element/{body}/text", self.session);
        self.try_to("GET", &path, &Value::Null).as_str().unwrap_or_default().to_owned()
    }

    /// Clicks on something.
    pub(crate) fn click(&self, css: &str) {
        let element = self.sees(css, css);
        self.post(&format!("/element/{element}/click"), &json!({}));
    }

    /// Types into a field.
    pub(crate) fn fill(&self, css: &str, text: &str) {
        let element = self.sees(css, css);
        self.post(&format!("/element/{element}/value"), &json!({"text": text}));
    }

    /// Empties a field and types into it.
    pub(crate) fn refill(&self, css: &str, text: &str) {
        let element = self.sees(css, css);
        self.post(&format!("/element/{element}/clear"), &json!({}));
        self.post(&format!("/element/{element}/value"), &json!({"text": text}));
    }

    /// Tells whether something is on the page and is seen.
    pub(crate) fn shows(&self, css: &str) -> bool {
        let Some(element) = self.element(css) else { return false };
        let path = format!("{}/element/{element}/displayed", self.session);
        self.try_to("GET", &path, &Value::Null) == json!(true)
    }

    /// Makes the window as wide as a telephone; nothing gives it its own width back.
    pub(crate) fn narrow(&self, width: u32) {
        let metrics = match width {
            0 => json!({"cmd": "Emulation.clearDeviceMetricsOverride", "params": {}}),
            width => json!({
                "cmd": "Emulation.setDeviceMetricsOverride",
                "params": {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": false},
            }),
        };
        self.post("/goog/cdp/execute", &metrics);
    }

    /// Presses keys, one after the other, wherever the focus is.
    pub(crate) fn press(&self, keys: &[&str]) {
        let each = keys.iter().flat_map(|key| {
            [json!({"type": "keyDown", "value": key}), json!({"type": "keyUp", "value": key})]
        });
        let actions: Vec<Value> = each.collect();
        self.post(
            "/actions",
            &json!({"actions": [{"type": "key", "id": "keys", "actions": actions}]}),
        );
    }

    /// Presses the tabulator until the focus is on something.
    pub(crate) fn tab_to(&self, css: &str) {
        let test = format!("return document.activeElement.matches({})", json!(css));
        for _ in 0..80 {
            if self.run(&test, &[]) == json!(true) {
                return;
            }
            self.press(&[TAB]);
        }
        panic!("the keyboard does not lead to {css} at {}", self.place());
    }

    /// Runs a script on the page, and returns what it returns.
    pub(crate) fn run(&self, script: &str, arguments: &[Value]) -> Value {
        self.post("/execute/sync", &json!({"script": script, "args": arguments}))
    }

    /// Which theme the page has; nothing while it is between two pages.
    pub(crate) fn theme(&self) -> Option<String> {
        let script = "return document.readyState === 'complete' ? document.documentElement.dataset.theme : null";
        let path = format!("{}/execute/sync", self.session);
        let found = self.try_to("POST", &path, &json!({"script": script, "args": []}));
        found.as_str().map(str::to_owned)
    }

    /// Runs a script that says later what it found.
    pub(crate) fn run_async(&self, script: &str, arguments: &[Value]) -> Value {
        self.post("/execute/async", &json!({"script": script, "args": arguments}))
    }

    /// Keeps a picture of all of the page, where pictures are kept.
    pub(crate) fn picture(&self, name: &str) {
        self.picture_to(name, 4_000.0);
    }

    /// The same, of no more than so much of it.
    pub(crate) fn picture_to(&self, name: &str, highest: f64) {
        let place = screenshots().join(format!("{name}.png"));
        std::fs::create_dir_all(place.parent().unwrap()).unwrap();
        let size = self.ask(
            "POST",
            &format!("{}/goog/cdp/execute", self.session),
            &json!({"cmd": "Page.getLayoutMetrics", "params": {}}),
        );
        let size = &size["cssContentSize"];
        let height = size["height"].as_f64().unwrap_or(900.0).min(highest);
        let clip = json!({"x": 0, "y": 0, "width": size["width"], "height": height, "scale": 1});
        let params = json!({"captureBeyondViewport": true, "clip": clip});
        let taken = self
            .post("/goog/cdp/execute", &json!({"cmd": "Page.captureScreenshot", "params": params}));
        let bytes =
            base64::engine::general_purpose::STANDARD.decode(taken["data"].as_str().unwrap());
        std::fs::write(place, bytes.unwrap()).unwrap();
    }

    /// What the browser complained of since it was asked last.
    pub(crate) fn complaints(&self) -> Vec<String> {
        let log = self.post("/se/log", &json!({"type": "browser"}));
        let all = log.as_array().into_iter().flatten();
        let severe = all.filter(|one| one["level"] == "SEVERE");
        severe.map(|one| one["message"].as_str().unwrap_or_default().to_owned()).collect()
    }
}

/// Reads the body of an answer by its length: the driver leaves the connection open.
fn body_of(answer: &mut impl BufRead) -> Vec<u8> {
    let mut length = 0;
    loop {
        let mut line = String::new();
        answer.read_line(&mut line).unwrap();
        if line.trim().is_empty() {
            break;
        }
        let (name, value) = line.split_once(':').unwrap_or_default();
        if name.eq_ignore_ascii_case("content-length") {
            length = value.trim().parse().unwrap();
        }
    }
    let mut body = vec![0; length];
    answer.read_exact(&mut body).unwrap();
    body
}

impl Drop for Browser {
    fn drop(&mut self) {
        // Also where a test failed: a browser that nobody ends goes on for ever.
        let _ = self.quit();
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}

impl Browser {
    /// Ends the browser, and fails nowhere: a test may have failed already.
    fn quit(&self) -> std::io::Result<()> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port))?;
        stream.set_read_timeout(Some(PATIENCE))?;
        let head = "Host: 127.0.0.1\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
        write!(stream, "DELETE {} HTTP/1.1\r\n{head}", self.session)?;
        stream.read(&mut [0; 512]).map(drop)
    }
}
