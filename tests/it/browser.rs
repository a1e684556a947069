//! The main job in a real browser, at the size of a phone, and every page fit for old eyes and thumbs.

use crate::process::Server;
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use thirtyfour::prelude::*;

/// A browser of its own.
pub struct Browser {
    pub driver: WebDriver,
    server: Child,
    _profile: tempfile::TempDir,
}

pub fn browser_program() -> Option<&'static str> {
    let found =
        ["/usr/bin/chromium", "/usr/bin/chromium-browser"].into_iter().find(|p| std::path::Path::new(p).exists());
    let driver = Command::new("chromedriver").arg("--version").stdout(Stdio::null()).status().is_ok();
    if found.is_none() || !driver {
        assert!(
            std::env::var_os("SHUITIAN_TEST_ALL").is_none(),
            "Chromium or its driver is missing, and all stories are to be told"
        );
        println!("not told: Chromium or chromedriver is missing; deploy/check installs them");
    }
    found.filter(|_| driver)
}

impl Browser {
    #[expect(clippy::zombie_processes, reason = "`close` waits for it, and a story that fails ends the whole process")]
    pub async fn open(program: &str) -> Self {
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let server = Command::new("chromedriver")
            .args([&format!("--port={port}"), "--log-level=OFF"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let profile = tempfile::tempdir().unwrap();
        let mut wanted = DesiredCapabilities::chrome();
        wanted.set_binary(program).unwrap();
        for argument in [
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--disable-dev-shm-usage",
            "--window-size=500,900",
            &format!("--user-data-dir={}", profile.path().display()),
        ] {
            wanted.add_arg(argument).unwrap();
        }
        let address = format!("http://127.0.0.1:{port}");
        for _ in 0..100 {
            if let Ok(driver) = WebDriver::new(&address, wanted.clone()).await {
                return Self { driver, server, _profile: profile };
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("chromedriver did not answer");
    }

    pub async fn close(mut self) {
        self.driver.quit().await.unwrap();
        self.server.kill().unwrap();
        self.server.wait().unwrap();
    }

    pub async fn go(&self, url: &str) {
        self.driver.goto(url).await.unwrap();
        self.is_fit(url).await;
    }

    pub async fn text(&self) -> String {
        // Between two pages there is none for a moment.
        let script = "return document.querySelector('main')?.innerText ?? ''";
        match self.driver.execute(script, vec![]).await {
            Ok(text) => text.convert().unwrap(),
            Err(_) => String::new(),
        }
    }

    pub async fn sees(&self, words: &str) {
        for _ in 0..50 {
            if self.text().await.contains(words) {
                let url = self.driver.current_url().await.unwrap();
                return self.is_fit(url.as_str()).await;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("{words} is not on {}: {}", self.driver.current_url().await.unwrap(), self.text().await);
    }

    /// Presses the button or link with these words.
    async fn press(&self, words: &str) {
        let path = format!("//main//*[self::button or self::a][contains(normalize-space(.), '{words}')]");
        self.on(By::XPath(&path), async |found| {
            found.scroll_into_view().await?;
            found.click().await
        })
        .await;
    }

    async fn fill(&self, id: &str, words: &str) {
        self.on(By::Id(id), async |field| {
            field.clear().await?;
            field.send_keys(words).await
        })
        .await;
    }

    /// Does something to an element; a page that is just being left is waited for.
    async fn on(&self, by: By, act: impl AsyncFn(&WebElement) -> WebDriverResult<()>) {
        let mut last = String::new();
        for _ in 0..60 {
            let done = async { act(&self.driver.find(by.clone()).await?).await };
            match done.await {
                Ok(()) => return,
                Err(error) => last = error.to_string(),
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("{by:?}: {last}");
    }

    /// No scrolling sideways, letters of at least 16 px and 18 in the body, targets of at least 44 px, a policy without
    /// scripts (facts of 适老化).
    async fn is_fit(&self, at: &str) {
        let script = r"
            const wrong = [];
            if (document.documentElement.scrollWidth > innerWidth + 1) wrong.push('scrolls sideways: ' + document.documentElement.scrollWidth);
            if (parseFloat(getComputedStyle(document.body).fontSize) < 18) wrong.push('small letters');
            if (parseFloat(getComputedStyle(document.body).lineHeight) < 1.3 * 18) wrong.push('tight lines');
            for (const e of document.querySelectorAll('main button, main a.button, nav a, input:not([type=hidden]):not([type=radio]):not([type=checkbox]), select')) {
                const box = e.getBoundingClientRect();
                if (box.width > 0 && box.height < 44) wrong.push('a target of ' + box.height + ': ' + e.outerHTML.slice(0, 80));
            }
            for (const e of document.querySelectorAll('body *')) {
                if (e.children.length === 0 && e.textContent.trim() && parseFloat(getComputedStyle(e).fontSize) < 16) wrong.push('tiny: ' + e.textContent.slice(0, 20));
            }
            // The hall's queue has one script of ours; no other page any, and none brings one in its own text.
            const allowed = location.pathname === '/hall/queue' ? 'script:not([src])' : 'script';
            if (document.querySelector(allowed + ', [style], [onclick]')) wrong.push('script or style in the page');
            return wrong;
        ";
        let wrong: Vec<String> = self.driver.execute(script, vec![]).await.unwrap().convert().unwrap();
        assert!(wrong.is_empty(), "{at}: {wrong:?}");
        if let Some(folder) = std::env::var_os("SHUITIAN_TEST_PICTURES") {
            let name: String = at
                .rsplit('/')
                .next()
                .unwrap_or("page")
                .chars()
                .filter(|c| c.is_ascii_alphanumeric() || *c == '-')
                .take(30)
                .collect();
            static COUNT: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
            let count = COUNT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            self.driver
                .screenshot(&std::path::Path::new(&folder).join(format!("{count:02}-{name}.png")))
                .await
                .unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_main_job_in_a_browser_at_the_size_of_a_phone() {
    let Some(program) = browser_program() else { return };
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start(directory.path(), &[]);
    let browser = Browser::open(program).await;
    let url = |path: &str| format!("{}{path}", server.url);

    // A resident finds her matter, chooses a half hour, signs in by a code and books.
    browser.go(&url("/")).await;
    browser.on(By::Name("q"), async |q| q.send_keys("sydj").await).await;
    browser.press("查找").await;
    browser.press("失业登记").await;
    browser.sees("带什么材料").await;
    browser.sees("未公布").await;
    browser.press("预约办理").await;
    browser.press("余").await;
    browser.sees("手机号登录").await;
    browser.fill("phone", "139 0000 1234").await;
    browser.press("获取验证码").await;
    browser.sees("验证码已发到").await;
    let told = server.printed("13900001234").await;
    let code = told.rsplit("验证码").next().unwrap()[..6].to_owned();
    browser.fill("code", "12345").await;
    browser.press("登录").await;
    browser.sees("验证码不对").await;
    browser.fill("code", &code).await;
    browser.press("登录").await;
    browser.sees("确定预约").await;
    browser.fill("name", "田小满").await;
    browser.fill("id", "110105194912310021").await;
    browser.press("确定预约").await;
    browser.sees("身份证号码不对").await;
    browser.fill("id", "11010519491231002X").await;
    browser.press("确定预约").await;
    browser.sees("预约成功").await;
    browser.press("改约").await;
    browser.sees("一直给您留着").await;
    browser.press("余").await;
    browser.sees("预约成功").await;
    browser.press("取消预约").await;
    browser.sees("已取消").await;

    // Somebody rings up, and the window books for him.
    browser.go(&url("/staff")).await;
    browser.fill("username", "window1").await;
    browser.fill("password", "shuitian-demo").await;
    browser.press("登录").await;
    browser.sees("今天的预约").await;
    browser.press("代约").await;
    browser.on(By::Css("select[name=guide] option[value='SB-03']"), async |choice| choice.click().await).await;
    browser.press("选时间").await;
    browser.press("余").await;
    browser.fill("name", "向大娘").await;
    browser.press("确定预约").await;
    browser.sees("向**").await;

    // The window takes a walk-in in, prints the receipt, and brings the case to its end.
    browser.go(&url("/staff")).await;
    browser.press("收件").await;
    browser.on(By::Css("select[name=guide] option[value='SB-03']"), async |choice| choice.click().await).await;
    browser.press("选定事项").await;
    browser.fill("name", "谢大爷").await;
    browser.fill("phone", "12").await;
    browser.press("收件，出回执单").await;
    browser.sees("电话号码不对").await;
    browser.fill("phone", "13900005678").await;
    browser.on(By::Css("#form0 option[value=original]"), async |choice| choice.click().await).await;
    browser.press("收件，出回执单").await;
    browser.sees("已收件").await;
    let case = browser.driver.current_url().await.unwrap().to_string();
    browser.press("打印收件回执单").await;
    for _ in 0..50 {
        if browser.driver.source().await.unwrap().contains("收件回执单") {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    browser.is_fit("receipt").await;
    let numbers = browser.driver.find_all(By::Css("td.number")).await.unwrap();
    let (receipt, check) = (numbers[0].text().await.unwrap(), numbers[1].text().await.unwrap());
    assert!(receipt.starts_with("ST-") && check.len() == 8);
    browser.go(&case).await;
    browser.press("受理").await;
    browser.sees("已受理").await;
    browser.press("准予").await;
    browser.sees("准予，待领取").await;
    browser.press("交给申请人，办结").await;
    browser.sees("请申请人评价").await;
    let codes = browser.driver.find_all(By::Css(".number")).await.unwrap();
    let code = codes.last().unwrap().text().await.unwrap();
    assert_eq!(code.len(), 6);

    browser.go(&url("/staff/cases")).await;
    browser.fill("wanted", "谢大爷").await;
    browser.press("查").await;
    browser.sees(&receipt.replacen("ST-", "ST-B-", 1)).await;

    // He asks how far it is, and rates by the code.
    browser.go(&url(&format!("/progress?number={receipt}"))).await;
    browser.fill("proof", &check.to_lowercase()).await;
    browser.press("查询").await;
    browser.sees("已办结").await;
    browser.go(&url("/r")).await;
    browser.fill("code", "AAAAAA").await;
    browser.press("下一步").await;
    browser.sees("评价码不对").await;
    browser.fill("code", &code.to_lowercase()).await;
    browser.press("下一步").await;
    browser.sees("办得怎么样").await;
    browser.on(By::Css("label[for=g4]"), async |grade| grade.click().await).await;
    let tags = browser.driver.find_all(By::Css(".tags input[type=checkbox]")).await.unwrap();
    let mut shown = 0;
    for tag in &tags {
        shown += usize::from(tag.is_displayed().await.unwrap());
    }
    assert_eq!((tags.len(), shown), (40, 8), "only the tags of the grade that was chosen are shown");
    browser.press("提交评价").await;
    browser.sees("谢谢您").await;

    // The director signs last month's bulletin after opening a figure to its rows, and pairs the hall's screen.
    browser.go(&url("/staff")).await;
    browser.on(By::Css("nav form button"), async |leave| leave.click().await).await;
    browser.sees("工作人员登录").await;
    browser.fill("username", "director").await;
    browser.fill("password", "shuitian-demo").await;
    browser.press("登录").await;
    browser.sees("在办的件").await;
    browser.go(&url("/bulletins")).await;
    browser.press("（草稿）").await;
    browser.sees("按时办结率").await;
    let month = browser.driver.current_url().await.unwrap().to_string();
    browser.go(&format!("{month}/figures/ended_in_time")).await;
    browser.sees("计入分子").await;
    browser.go(&month).await;
    browser.press("签发").await;
    browser.sees("工作通报").await;
    assert!(!browser.text().await.contains("（草稿）"));
    browser.go(&url("/staff/attendance")).await;
    browser.press("把这台电脑设为大厅屏").await;
    browser.sees("到场时输入它").await;
    let code = browser.driver.find(By::Css(".code")).await.unwrap().text().await.unwrap();
    assert_eq!(code.len(), 6);
    browser.go(&url("/staff")).await;
    browser.sees("工作人员登录").await;

    // A clerk arrives with that code.
    browser.fill("username", "window2").await;
    browser.fill("password", "shuitian-demo").await;
    browser.press("登录").await;
    browser.sees("今天的预约").await;
    browser.go(&url(&format!("/staff/attendance?code={code}"))).await;
    browser.press("签到").await;
    browser.sees("您今天").await;
    browser.close().await;
    let log = server.stop();
    assert!(!log.contains("ERROR"), "{log}");
}
