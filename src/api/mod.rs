//! The doors (接口): payload in, one call to the domain, view out. One file a noun, and the document of the interface.

mod attendance;
mod auth;
mod authority;
mod booking;
mod bulletin;
mod case;
mod closure;
mod consultation;
mod document;
mod file;
mod guide;
pub mod hooks;
mod leave;
mod matter;
mod notice;
mod post;
mod problem;
mod queue;
mod rectification;
mod review;
mod seal;
mod supervision;
mod training;
mod view;

pub use problem::answer;

use poem::{IntoEndpoint, Route};
use poem_openapi::{OpenApiService, Tags};

type Doors = (
    auth::Auth,
    file::Files,
    guide::Doors,
    (post::Posts, authority::Delegations, training::Trainings, matter::Matters),
    leave::Leaves,
    booking::Bookings,
    booking::appeal::Appeals,
    closure::Closures,
    queue::Queue,
    (case::Doors, supervision::Supervision, consultation::Consultations),
    (document::Documents, seal::Seals),
    (review::Reviews, rectification::Rectifications),
    attendance::Attendance,
    bulletin::Bulletins,
    notice::Notices,
);

/// Groups of operations, one a noun.
#[derive(Tags)]
enum Noun {
    /// 登录
    Auth,
    /// 附件
    File,
    /// 办事指南
    Guide,
    /// 岗位
    Post,
    /// 事项登记
    Matter,
    /// 请假与去向
    Leave,
    /// 预约
    Booking,
    /// 停办
    Closure,
    /// 排队
    Queue,
    /// 办件
    Case,
    /// 文书
    Document,
    /// 好差评
    Review,
    /// 考勤
    Attendance,
    /// 通报
    Bulletin,
    /// 短信
    Notice,
}

fn service() -> OpenApiService<Doors, ()> {
    let doors = (
        auth::Auth,
        file::Files,
        guide::doors(),
        (post::Posts, authority::Delegations, training::Trainings, matter::Matters),
        leave::Leaves,
        booking::Bookings,
        booking::appeal::Appeals,
        closure::Closures,
        queue::Queue,
        (case::doors(), supervision::Supervision, consultation::Consultations),
        (document::Documents, seal::Seals),
        (review::Reviews, rectification::Rectifications),
        attendance::Attendance,
        bulletin::Bulletins,
        notice::Notices,
    );
    OpenApiService::new(doors, "水田乡公共服务中心", "v1")
        .description(
            "群众预约、查询、评价，窗口收件、办理，每月通报。时间为带时区的 RFC 3339；编号之外的 id 不要解读。\
             新建和办理一类的写操作可带 Idempotency-Key（8至64个字符），同一人以同一键重发得到同一个结果；登录不用。\
             X-Device 是设备自己生成并保存的随机字符串，登录时带上，认得的设备不受他人输错密码锁定的影响，验证码只认申请它的设备（不会被别人试错作废），一台设备一天只为一人签到。\
             X-Centre 是中心代码，一个地址服务几个中心时带上。",
        )
        .server("/api/v1")
}

/// The document of the interface.
#[must_use]
pub fn document() -> String {
    service().spec()
}

/// All doors, with the document and a page to try them.
pub fn routes() -> Route {
    let service = service();
    let (document, try_out) = (service.spec_endpoint(), service.swagger_ui());
    Route::new().nest("/api/v1", service.into_endpoint()).at("/openapi.json", document).nest("/docs", try_out)
}
