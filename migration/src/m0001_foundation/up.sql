-- National tables: they belong to no centre.
create table holiday_year (
    year        integer primary key,
    official    boolean not null,
    source      text    not null,
    imported_at bigint  not null
);
create table holiday_day (
    date date    primary key,
    year integer not null references holiday_year (year),
    off  boolean not null,
    name text    not null
);
create index holiday_day_year on holiday_day (year);
create table lease (
    name   text   primary key,
    holder text   not null,
    until  bigint not null
);
create table edition (
    id integer primary key check (id = 1),
    n  bigint  not null
);
insert into edition (id, n) values (1, 1);

-- Centre.
create table centre (
    id         {id}   primary key,
    code       text   not null unique check (length(code) between 1 and 8),
    name       text   not null,
    abbreviation text  not null,
    phone      text   not null,
    address    text   not null,
    sms_sign   text   not null,
    sms_signs  {json} not null,
    reporting  {json} not null,
    lamps      {json} not null,
    created_at bigint not null
);
create table centre_host (
    host      text primary key,
    centre_id {id} not null references centre (id)
);
create table office (
    id        {id} primary key,
    centre_id {id} not null references centre (id),
    code      text not null,
    name      text not null,
    phone     text not null,
    unique (centre_id, code)
);
create table branch (
    id        {id} primary key,
    centre_id {id} not null references centre (id),
    code      text not null,
    name      text not null,
    address   text not null,
    unique (centre_id, code)
);
create table hours (
    id         {id}    primary key,
    centre_id  {id}    not null references centre (id),
    kind       text    not null check (kind in ('window', 'shift')),
    opens      integer not null check (opens between 0 and 1439),
    closes     integer not null check (closes between 1 and 1440),
    valid_from date    not null,
    check (opens < closes),
    unique (centre_id, kind, valid_from, opens)
);
create table counter (
    centre_id {id}    not null references centre (id),
    kind      text    not null,
    on_date   date    not null,
    n         integer not null check (n > 0),
    primary key (centre_id, kind, on_date)
);

-- Audit.
create table audit (
    id         {id}   primary key,
    centre_id  {id}   not null references centre (id),
    at         bigint not null,
    actor_kind text   not null check (actor_kind in ('system', 'operator', 'resident', 'staff', 'bearer')),
    actor      text   not null,
    act        text   not null,
    subject    text   not null,
    detail     {json} not null,
    seq        bigint,
    hash       {bytes},
    unique (centre_id, seq),
    check ((seq is null) = (hash is null))
);
create index audit_unchained on audit (centre_id, id) where seq is null;

-- Notices.
create table notice (
    id          {id}    primary key,
    centre_id   {id}    not null references centre (id),
    key         text    not null,
    kind        text    not null,
    version     integer not null check (version >= 0),
    lane        text    not null check (lane in ('code', 'notice', 'bulk')),
    phone       {bytes} not null,
    phone_blind {bytes} not null,
    text        {bytes} not null,
    line        {bytes},
    filled      {bytes} not null,
    segments    integer not null check (segments > 0),
    about       {id}    not null,
    account_id  {id},
    matter_at   bigint  not null,
    due_at      bigint  not null,
    expires_at  bigint  not null,
    state       text    not null check (state in
        ('due', 'claimed', 'sending', 'accepted', 'unsure', 'rejected', 'gave_up', 'withdrawn')),
    attempts    integer not null check (attempts >= 0),
    lease_until bigint,
    claimed_by  {id},
    carried_by  {id},
    sent_at     bigint,
    gateway     text,
    vendor_id   text,
    fault       text,
    delivery    text    not null check (delivery in ('unknown', 'sent', 'delivered', 'failed')),
    created_at  bigint  not null,
    done_at     bigint,
    attended    text    check (attended in ('called', 'let_be')),
    unique (centre_id, key),
    check ((state in ('claimed', 'sending')) = (lease_until is not null)),
    check ((state in ('due', 'claimed', 'sending')) = (done_at is null))
);
-- How many are due at a time, statistics seldom tell: no other index may look as good to the planner where some are claimed.
create index notice_due on notice (lane, due_at, id) where state = 'due';
create index notice_claimed on notice (lease_until) where state = 'claimed';
create index notice_sending on notice (lease_until) where state = 'sending';
create index notice_about on notice (about);
create index notice_phone on notice (phone_blind, sent_at) where sent_at is not null;
create index notice_alike on notice (phone_blind, due_at) where state = 'due' and line is not null;
create index notice_unsure on notice (done_at) where state = 'unsure';
create index notice_unwell on notice (centre_id, state, due_at) where state <> 'accepted' and state <> 'due';
create index notice_undelivered on notice (centre_id, due_at) where delivery = 'failed';
create index notice_unreported on notice (gateway, sent_at) where state = 'accepted' and delivery in ('unknown', 'sent');
create index notice_vendor on notice (vendor_id) where vendor_id is not null;
create index notice_carried on notice (carried_by) where carried_by is not null;
create table text_template (
    id         {id}    primary key,
    centre_id  {id}    not null references centre (id),
    kind       text    not null,
    version    integer not null check (version > 0),
    body       text    not null,
    line       text,
    merged     text,
    created_at bigint  not null,
    unique (centre_id, kind, version)
);
create table vendor_template (
    id         {id}    primary key,
    centre_id  {id}    not null references centre (id),
    kind       text    not null,
    version    integer not null check (version >= 0),
    gateway    text    not null,
    template   text    not null,
    names      text    not null,
    state      text    not null check (state in ('pending', 'approved', 'refused')),
    reason     text,
    changed_at bigint  not null,
    unique (centre_id, kind, version, gateway)
);
create table notice_attempt (
    id        {id}    primary key,
    centre_id {id}    not null references centre (id),
    notice_id {id}    not null references notice (id),
    at        bigint  not null,
    n         integer not null check (n > 0),
    gateway   text    not null,
    outcome   text    not null check (outcome in
        ('accepted', 'retry_safe', 'later', 'ambiguous', 'rejected', 'channel_down')),
    vendor_id text,
    code      text,
    segments  integer not null check (segments >= 0)
);
create index notice_attempt_notice on notice_attempt (notice_id, at, n);
create table delivery_report (
    gateway   text    not null,
    vendor_id text    not null,
    notice_id {id},
    delivery  text    not null check (delivery in ('sent', 'delivered', 'failed')),
    code      text    not null,
    at        bigint  not null,
    primary key (gateway, vendor_id)
);
create index delivery_report_at on delivery_report (at);
create table gateway_hold (
    gateway    text    primary key,
    code       text    not null,
    since      bigint  not null,
    until      bigint  not null,
    times      integer not null check (times > 0)
);
create table phone_stop (
    id          {id}    primary key,
    centre_id   {id}    not null references centre (id),
    phone       {bytes} not null,
    phone_blind {bytes} not null,
    stopped_at  bigint  not null,
    unique (centre_id, phone_blind)
);
create table phone_doubt (
    id          {id}    primary key,
    centre_id   {id}    not null references centre (id),
    phone       {bytes} not null,
    phone_blind {bytes} not null,
    why          text   not null check (why in ('not_theirs', 'unreachable')),
    since        bigint not null,
    confirmed_at bigint,
    unique (centre_id, phone_blind)
);
create table phone_pace (
    centre_id   {id}    not null references centre (id),
    phone_blind {bytes} not null,
    last_at     bigint  not null,
    primary key (centre_id, phone_blind)
);
create index phone_pace_last on phone_pace (last_at);
create table text_spend (
    centre_id {id}    not null references centre (id),
    on_date   date    not null,
    segments  integer not null check (segments >= 0),
    primary key (centre_id, on_date)
);
create table uplink (
    id          {id}    primary key,
    centre_id   {id}    references centre (id),
    gateway     text    not null,
    phone       {bytes} not null,
    phone_blind {bytes} not null,
    text        {bytes} not null,
    received_at bigint  not null,
    outcome     text    not null check (outcome in
        ('rated', 'repeated', 'commented', 'unclear', 'kept', 'stop_asked', 'stopped', 'resumed', 'not_theirs')),
    key         text,
    attended    boolean not null,
    unique (gateway, key)
);
create index uplink_unattended on uplink (centre_id, received_at) where attended = false;

-- Identity.
create table account (
    id             {id}   primary key,
    centre_id      {id}   not null references centre (id),
    phone          {bytes},
    phone_blind    {bytes},
    openid         {bytes},
    openid_blind   {bytes},
    verified_at    bigint not null,
    verified_since bigint not null,
    created_at     bigint not null,
    turn           integer not null,
    unique (centre_id, openid_blind),
    check (phone is not null or openid is not null),
    check ((phone is null) = (phone_blind is null)),
    check ((openid is null) = (openid_blind is null))
);
-- A phone alone names one account. People who come by WeChat may share a phone within a family.
create unique index account_phone on account (centre_id, phone_blind) where openid is null;
create table staff (
    id            {id}    primary key,
    centre_id     {id}    not null references centre (id),
    username      text    not null,
    name          text    not null,
    title         text    not null,
    roles         text    not null,
    office_id     {id}    references office (id),
    phone         {bytes},
    password_hash text    not null,
    must_change   boolean not null,
    demo          boolean not null,
    failures      integer not null check (failures >= 0),
    locked_until  bigint,
    attends       boolean not null,
    active_from   date    not null,
    active_until  date,
    recorded_at   bigint  not null,
    unique (centre_id, username)
);
create table session (
    id         {id}    primary key,
    centre_id  {id}    not null references centre (id),
    account_id {id}    references account (id),
    staff_id   {id}    references staff (id),
    device     {bytes} not null,
    generation integer not null check (generation > 0),
    rotated_at bigint  not null,
    created_at bigint  not null,
    expires_at bigint  not null,
    ended_at   bigint,
    check ((account_id is null) <> (staff_id is null))
);
create index session_staff on session (staff_id) where staff_id is not null;
create index session_expires on session (expires_at);
create table message_permit (
    account_id {id}    not null references account (id),
    centre_id  {id}    not null references centre (id),
    template   text    not null,
    ready      integer not null check (ready >= 0),
    standing   boolean not null,
    changed_at bigint  not null,
    primary key (account_id, template)
);
create table wechat_event (
    key text   primary key,
    at  bigint not null
);
create table phone_code (
    id          {id}    primary key,
    centre_id   {id}    not null references centre (id),
    phone_blind {bytes} not null,
    device      {bytes} not null,
    code_hash   {bytes} not null,
    expires_at  bigint  not null,
    tries       integer not null check (tries >= 0),
    used_at     bigint,
    unique (centre_id, phone_blind, device)
);
create table idempotency (
    id         {id}    primary key,
    centre_id  {id}    not null references centre (id),
    scope      {bytes} not null,
    request    {bytes} not null,
    answer     {bytes},
    created_at bigint  not null,
    unique (centre_id, scope)
);
create index idempotency_created on idempotency (created_at);
create table screen (
    id         {id}    primary key,
    centre_id  {id}    not null references centre (id),
    token_hash {bytes} not null unique,
    post_id    {id},
    paired_by  {id}    not null references staff (id),
    paired_at  bigint  not null,
    ended_at   bigint
);

-- Applicants.
create table applicant (
    id          {id}    primary key,
    centre_id   {id}    not null references centre (id),
    kind        text    not null check (kind in ('person', 'legal_person', 'organisation')),
    name        {bytes} not null,
    name_blind  {bytes} not null,
    phone       {bytes},
    phone_blind {bytes},
    id_type     text    check (id_type in ('id_card', 'social_credit_code', 'other')),
    id_number   {bytes},
    id_blind    {bytes},
    recorded_at bigint  not null,
    check ((phone is null) = (phone_blind is null)),
    check ((id_number is null) = (id_blind is null)),
    check ((id_number is null) = (id_type is null))
);
create index applicant_name on applicant (centre_id, name_blind, recorded_at, id);
create index applicant_phone on applicant (centre_id, phone_blind, recorded_at, id) where phone_blind is not null;
create index applicant_id_number on applicant (centre_id, id_blind, recorded_at, id) where id_blind is not null;

-- Files.
create table file (
    id            {id}    primary key,
    centre_id     {id}    not null references centre (id),
    name          {bytes} not null,
    purpose       text    not null check (purpose in ('form', 'material', 'letter', 'document')),
    media         text    not null check (media in ('pdf', 'docx', 'jpeg', 'png', 'html')),
    size          integer not null check (size > 0),
    sha256        {bytes} not null,
    key           {bytes} not null,
    sealed_sha256 {bytes} not null,
    account_id    {id}    references account (id),
    staff_id      {id}    references staff (id),
    recorded_at   bigint  not null,
    kept_at       bigint
);
create index file_idle on file (recorded_at) where kept_at is null;

-- Guides.
create table guide (
    id        {id}    primary key,
    centre_id {id}    not null references centre (id),
    code      text    not null,
    office_id {id}    not null references office (id),
    name      text    not null,
    audience  text    not null,
    version   integer not null check (version >= 0),
    retired_on  date,
    retired_why text,
    unique (centre_id, code),
    unique (centre_id, name),
    check ((retired_on is null) = (retired_why is null))
);
create table guide_version (
    id           {id}    primary key,
    centre_id    {id}    not null references centre (id),
    guide_id     {id}    not null references guide (id),
    number       integer not null check (number > 0),
    content      {json}  not null,
    published_at bigint  not null,
    published_by {id}    references staff (id),
    in_force_from  date  not null,
    in_force_until date,
    review_on      date  not null,
    unique (guide_id, number)
);
create table guide_draft (
    id         {id}    primary key,
    centre_id  {id}    not null references centre (id),
    code       text    not null,
    office_id  {id}    not null references office (id),
    content    {json}  not null,
    revision   integer not null check (revision > 0),
    state      text    not null check (state in ('draft', 'review', 'published', 'dropped')),
    drafted_by {id}    not null references staff (id),
    drafted_at bigint  not null,
    written_by {id}    not null references staff (id),
    written_at bigint  not null,
    words      text,
    version_id {id}    references guide_version (id),
    check ((state = 'published') = (version_id is not null))
);
create unique index guide_draft_open on guide_draft (centre_id, code) where state in ('draft', 'review');

-- Attendance.
create table duty (
    id          {id}   primary key,
    centre_id   {id}   not null references centre (id),
    staff_id    {id}   not null references staff (id),
    on_date     date   not null,
    session     text   not null check (session in ('morning', 'afternoon')),
    starts_at   bigint not null,
    ends_at     bigint not null,
    recorded_at bigint not null,
    check (starts_at < ends_at),
    unique (staff_id, on_date, session)
);
create index duty_day on duty (centre_id, on_date);
create table attendance (
    id          {id}    primary key,
    centre_id   {id}    not null references centre (id),
    staff_id    {id}    not null references staff (id),
    kind        text    not null check (kind in ('in', 'out')),
    session     text    not null check (session in ('morning', 'afternoon')),
    at          bigint  not null,
    recorded_at bigint  not null,
    on_date     date    not null,
    off_by      integer not null check (off_by >= 0),
    device      {bytes} not null,
    code_step   bigint,
    unique (staff_id, on_date, session, kind)
);
create index attendance_day on attendance (centre_id, on_date);

-- Posts, leave and cover.
create table post (
    id          {id} primary key,
    centre_id   {id} not null references centre (id),
    code        text not null,
    name        text not null,
    kind        text not null check (kind in ('window', 'office', 'chief', 'supervision')),
    office_id   {id} references office (id),
    valid_from  date not null,
    valid_until date,
    unique (centre_id, code),
    check ((kind = 'office') = (office_id is not null)),
    check (valid_until is null or valid_until >= valid_from)
);
create table post_holder (
    id          {id}   primary key,
    centre_id   {id}   not null references centre (id),
    post_id     {id}   not null references post (id),
    staff_id    {id}   not null references staff (id),
    letter      text   not null check (letter in ('a', 'b')),
    valid_from  date   not null,
    valid_until date,
    recorded_at bigint not null,
    check (valid_until is null or valid_until >= valid_from)
);
create index post_holder_of on post_holder (post_id);
create table post_item (
    post_id   {id} not null references post (id),
    guide_id  {id} not null references guide (id),
    centre_id {id} not null references centre (id),
    primary key (post_id, guide_id)
);
create table leave (
    id        {id}    primary key,
    centre_id {id}    not null references centre (id),
    staff_id  {id}    not null references staff (id),
    kind      text    not null check (kind in
        ('official_trip', 'study', 'personal', 'sick', 'annual', 'mid_session')),
    starts_at bigint  not null,
    ends_at   bigint  not null,
    reason    {bytes} not null,
    place     {bytes} not null,
    state     text    not null check (state in ('asked', 'approved', 'refused', 'withdrawn')),
    asked_at  bigint  not null,
    ruled_at  bigint,
    ruled_by  {id}    references staff (id),
    words     {bytes},
    check (starts_at < ends_at),
    check ((ruled_at is null) = (ruled_by is null)),
    check (state = 'withdrawn' or (state = 'asked') = (ruled_at is null))
);
create index leave_until on leave (centre_id, ends_at);
create table whereabouts (
    id        {id}    primary key,
    centre_id {id}    not null references centre (id),
    staff_id  {id}    not null references staff (id),
    place     {bytes} not null,
    out_at    bigint  not null,
    until     bigint  not null,
    back_at   bigint,
    check (out_at < until)
);
create unique index whereabouts_open on whereabouts (staff_id) where back_at is null;
create table substitute (
    id        {id}   primary key,
    centre_id {id}   not null references centre (id),
    post_id   {id}   not null references post (id),
    staff_id  {id}   not null references staff (id),
    starts_at bigint not null,
    ends_at   bigint not null,
    named_by  {id}   not null references staff (id),
    named_at  bigint not null,
    check (starts_at < ends_at)
);
create index substitute_until on substitute (centre_id, ends_at);
create table handover (
    id          {id}    primary key,
    centre_id   {id}    not null references centre (id),
    leave_id    {id}    not null references leave (id),
    post_id     {id}    not null references post (id),
    from_id     {id}    not null references staff (id),
    to_id       {id}    not null references staff (id),
    due_on      date    not null,
    given_at    bigint,
    list        {json},
    words       {bytes},
    late_reason {bytes},
    accepted_at bigint,
    unique (leave_id, post_id),
    check ((given_at is null) = (list is null)),
    check (accepted_at is null or given_at is not null)
);
create index handover_open on handover (centre_id, due_on) where accepted_at is null;

-- Authority.
create table delegation (
    id          {id}   primary key,
    centre_id   {id}   not null references centre (id),
    number      text   not null,
    office_id   {id}   not null references office (id),
    post_id     {id}   not null references post (id),
    reason      text,
    valid_from  date   not null,
    valid_until date   not null,
    recorded_at bigint not null,
    file_id     {id}   references file (id),
    unique (centre_id, number),
    check (valid_from <= valid_until)
);
create table delegated_power (
    delegation_id {id}    not null references delegation (id),
    post_id       {id}    not null references post (id),
    power         text    not null check (power in ('decide', 'report', 'seal', 'coordinate')),
    centre_id     {id}    not null references centre (id),
    instant_only  boolean not null,
    primary key (delegation_id, post_id, power)
);

-- Bookings.
create table desk_group (
    id           {id}    primary key,
    centre_id    {id}    not null references centre (id),
    code         text    not null,
    name         text    not null,
    branch_id    {id}    not null references branch (id),
    prefix       text    not null,
    first_number integer not null check (first_number >= 0),
    last_number  integer not null check (last_number < 10000),
    unique (centre_id, code),
    check (first_number <= last_number)
);
create table desk (
    id        {id}    primary key,
    centre_id {id}    not null references centre (id),
    group_id  {id}    not null references desk_group (id),
    code      text    not null,
    name      text    not null,
    active    boolean not null,
    unique (centre_id, code)
);
create table slot_template (
    id              {id}    primary key,
    centre_id       {id}    not null references centre (id),
    group_id        {id}    not null references desk_group (id),
    valid_from      date    not null,
    valid_until     date,
    minutes         integer not null check (minutes between 5 and 240),
    capacity        integer not null check (capacity between 1 and 1000),
    walk_in         integer not null check (walk_in >= 0),
    elder           integer not null check (elder >= 0),
    horizon_days    integer not null check (horizon_days between 1 and 60),
    cut_off_minutes integer not null check (cut_off_minutes between 0 and 10080),
    unique (group_id, valid_from),
    check (walk_in + elder <= capacity),
    check (valid_until is null or valid_until >= valid_from)
);
create table service (
    guide_id  {id}    primary key references guide (id),
    centre_id {id}    not null references centre (id),
    group_id  {id}    not null references desk_group (id),
    slots     integer not null check (slots between 1 and 16)
);
create table slot (
    id           {id}    primary key,
    centre_id    {id}    not null references centre (id),
    group_id     {id}    not null references desk_group (id),
    template_id  {id}    not null references slot_template (id),
    on_date      date    not null,
    starts_at    bigint  not null,
    ends_at      bigint  not null,
    online_until bigint  not null,
    bookable     integer not null,
    online       integer not null,
    taken        integer not null,
    taken_online integer not null,
    unique (group_id, starts_at, template_id),
    check (starts_at < ends_at),
    check (taken between 0 and bookable),
    check (taken_online between 0 and online),
    check (taken_online <= taken)
);
create index slot_ahead on slot (centre_id, starts_at);
create table closure (
    id          {id}    primary key,
    centre_id   {id}    not null references centre (id),
    branch_id   {id}    references branch (id),
    desk_id     {id}    references desk (id),
    on_date     date    not null,
    from_minute integer not null check (from_minute between 0 and 1439),
    to_minute   integer not null check (to_minute between 1 and 1440),
    reason      text    not null,
    moves       boolean not null,
    closed_by   {id}    not null references staff (id),
    at          bigint  not null,
    reopened_at bigint,
    reopened_by {id}    references staff (id),
    check (from_minute < to_minute),
    check (branch_id is null or desk_id is null),
    check ((reopened_at is null) = (reopened_by is null))
);
create index closure_day on closure (centre_id, on_date);
create table make_up (
    id          {id}    primary key,
    centre_id   {id}    not null references centre (id),
    closure_id  {id}    not null references closure (id),
    group_id    {id}    not null references desk_group (id),
    on_date     date    not null,
    from_minute integer not null check (from_minute between 0 and 1439),
    to_minute   integer not null check (to_minute between 1 and 1440),
    places      integer not null check (places between 1 and 1000),
    check (from_minute < to_minute)
);
create index make_up_day on make_up (centre_id, on_date);
create table held_place (
    id         {id}    primary key,
    centre_id  {id}    not null references centre (id),
    slot_id    {id}    not null references slot (id),
    hold_id    {id}    not null,
    account_id {id}    references account (id),
    until      bigint  not null
);
create index held_place_until on held_place (until);
create index held_place_of on held_place (hold_id);
create index held_place_account on held_place (account_id) where account_id is not null;
create table booking_rule (
    id                {id}    primary key,
    centre_id         {id}    not null references centre (id),
    valid_from        date    not null,
    own_open          integer not null check (own_open between 1 and 100),
    other_open        integer not null check (other_open between 0 and 100),
    per_day           integer not null check (per_day between 1 and 100),
    hold_minutes      integer not null check (hold_minutes between 0 and 30),
    cool_down_minutes integer not null check (cool_down_minutes between 0 and 1440),
    no_show_days      integer not null check (no_show_days between 1 and 366),
    no_show_most      integer not null check (no_show_most between 1 and 100),
    limited_days      integer not null check (limited_days between 1 and 366),
    unique (centre_id, valid_from)
);
create table booking (
    id           {id}    primary key,
    centre_id    {id}    not null references centre (id),
    number       text    not null,
    slot_id      {id}    not null references slot (id),
    slots        integer not null check (slots between 1 and 16),
    online       boolean not null,
    starts_at    bigint  not null,
    ends_at      bigint  not null,
    on_date      date    not null,
    guide_id     {id}    not null references guide (id),
    office_id    {id}    not null references office (id),
    account_id   {id}    references account (id),
    applicant_id {id}    not null references applicant (id),
    person_blind {bytes} not null,
    for_other    boolean not null,
    state        text    not null check (state in ('booked', 'cancelled', 'arrived', 'no_show', 'excused')),
    sequence     integer not null check (sequence >= 0),
    created_at   bigint  not null,
    unique (centre_id, number)
);
create unique index booking_person on booking (slot_id, person_blind) where state = 'booked';
create index booking_account on booking (account_id, starts_at) where account_id is not null;
create index booking_day on booking (centre_id, on_date, starts_at);
create index booking_open on booking (centre_id, on_date) where state = 'booked';
create table booking_event (
    id          {id}   primary key,
    centre_id   {id}   not null references centre (id),
    booking_id  {id}   not null references booking (id),
    state       text   not null check (state in ('booked', 'cancelled', 'arrived', 'no_show', 'excused')),
    on_date     date   not null,
    ends_at     bigint not null,
    at          bigint not null,
    recorded_at bigint not null,
    actor_kind  text   not null check (actor_kind in ('system', 'operator', 'resident', 'staff', 'bearer')),
    actor       text   not null,
    closure_id  {id}   references closure (id)
);
create index booking_event_closure on booking_event (closure_id) where closure_id is not null;
create index booking_event_of on booking_event (booking_id);
create index booking_event_day on booking_event (centre_id, on_date);
create table booking_appeal (
    id         {id}    primary key,
    centre_id  {id}    not null references centre (id),
    booking_id {id}    not null unique references booking (id),
    reason     {bytes} not null,
    at         bigint  not null,
    ruled_at   bigint,
    ruled_by   {id}    references staff (id),
    granted    boolean,
    words      {bytes},
    check ((ruled_at is null) = (granted is null) and (ruled_at is null) = (ruled_by is null)
        and (ruled_at is null) = (words is null))
);
create index booking_appeal_open on booking_appeal (centre_id, at) where ruled_at is null;

-- The queue.
create table ticket (
    id             {id}    primary key,
    centre_id      {id}    not null references centre (id),
    branch_id      {id}    not null references branch (id),
    group_id       {id}    not null references desk_group (id),
    on_date        date    not null,
    number         text    not null,
    guide_id       {id}    references guide (id),
    booking_id     {id}    unique references booking (id),
    account_id     {id}    references account (id),
    priority       text    not null check (priority in ('none', 'elder', 'disabled')),
    state          text    not null check (state in
        ('remote', 'waiting', 'called', 'parked', 'missed', 'served', 'void', 'lapsed')),
    turn_at        bigint  not null,
    issued_at      bigint  not null,
    arrived_at     bigint,
    desk_id        {id}    references desk (id),
    called_at      bigint,
    last_called_at bigint,
    calls          integer not null check (calls >= 0),
    ended_at       bigint,
    print          text    not null check (print in ('unprinted', 'printed', 'failed')),
    unique (branch_id, on_date, number),
    check ((state in ('served', 'void', 'lapsed')) = (ended_at is not null)),
    check (state <> 'called' or (desk_id is not null and last_called_at is not null))
);
-- A desk serves one person at a time, and whoever takes a number from afar takes one.
create unique index ticket_desk on ticket (desk_id) where state = 'called';
create unique index ticket_remote on ticket (account_id, group_id, on_date)
    where account_id is not null and booking_id is null and state in ('remote', 'waiting', 'called', 'parked');
create index ticket_next on ticket (group_id, on_date, turn_at, id) where state = 'waiting';
create index ticket_open on ticket (centre_id, on_date) where state in ('remote', 'waiting', 'called', 'parked', 'missed');
create index ticket_called on ticket (branch_id, on_date, last_called_at) where last_called_at is not null;
create index ticket_served on ticket (group_id, ended_at) where state = 'served';
create table ticket_event (
    id          {id}   primary key,
    centre_id   {id}   not null references centre (id),
    ticket_id   {id}   not null references ticket (id),
    kind        text   not null check (kind in ('issued', 'arrived', 'called', 'recalled', 'missed', 'parked', 'resumed',
        'transferred', 'served', 'voided', 'lapsed')),
    group_id    {id}   not null references desk_group (id),
    desk_id     {id}   references desk (id),
    at          bigint not null,
    recorded_at bigint not null,
    actor_kind  text   not null check (actor_kind in ('system', 'operator', 'resident', 'staff', 'bearer')),
    actor       text   not null
);
create index ticket_event_of on ticket_event (ticket_id);

-- The register of matters: one that stays outside says why, and where it is taken in instead.
create table matter_outside (
    id          {id}   primary key,
    centre_id   {id}   not null references centre (id),
    guide_id    {id}   not null references guide (id),
    valid_from  date   not null,
    valid_until date,
    ground      text   not null,
    place       text   not null,
    recorded_at bigint not null,
    recorded_by {id}   not null references staff (id),
    check (valid_until is null or valid_from <= valid_until)
);
create unique index matter_outside_now on matter_outside (guide_id) where valid_until is null;
-- What offices leave to the comprehensive window, by the consent of the township's government.
create table window_consent (
    id          {id}    primary key,
    centre_id   {id}    not null references centre (id),
    office_id   {id}    not null references office (id),
    state       text    not null check (state in ('asked', 'consented', 'refused', 'ended')),
    items       integer not null check (items >= 0),
    cases       integer not null check (cases >= 0),
    reason      text    not null,
    asked_at    bigint  not null,
    asked_by    {id}    references staff (id),
    decided_on  date,
    document    text,
    valid_from  date,
    valid_until date,
    decided_by  {id}    references staff (id),
    check ((state = 'asked') = (decided_on is null) and (decided_on is null) = (document is null)),
    check ((state in ('consented', 'ended')) = (valid_from is not null)),
    check ((state = 'ended') = (valid_until is not null))
);
create unique index window_consent_now on window_consent (centre_id, office_id) where state in ('asked', 'consented');
-- Training.
create table training (
    id          {id}    primary key,
    centre_id   {id}    not null references centre (id),
    on_date     date    not null,
    topic       text    not null,
    taught_by   text    not null,
    minutes     integer not null check (minutes > 0),
    recorded_at bigint  not null,
    recorded_by {id}    not null references staff (id)
);
create index training_recent on training (centre_id, recorded_at, id);
create table training_attendee (
    training_id {id} not null references training (id),
    staff_id    {id} not null references staff (id),
    centre_id   {id} not null references centre (id),
    primary key (training_id, staff_id)
);

-- Consultations.
create table consultation (
    id          {id}    primary key,
    centre_id   {id}    not null references centre (id),
    way         text    not null check (way in ('visit', 'telephone')),
    staff_id    {id}    not null references staff (id),
    guide_id    {id}    references guide (id),
    topic       {bytes} not null,
    asker       {bytes},
    office_id   {id}    references office (id),
    elsewhere   text,
    told        text    not null check (told <> ''),
    filled_in   boolean not null,
    at          bigint  not null,
    recorded_at bigint  not null,
    on_date     date    not null,
    check ((office_id is null) <> (elsewhere is null))
);
create index consultation_recent on consultation (centre_id, at, id);

-- Cases.
create table service_case (
    id              {id}    primary key,
    centre_id       {id}    not null references centre (id),
    number          text    not null,
    receipt_number  text    not null,
    national_number text    unique check (length(national_number) = 43),
    check_code      {bytes} not null,
    guide_id        {id}    not null references guide (id),
    version_id      {id}    not null references guide_version (id),
    office_id       {id}    not null references office (id),
    item_kind       text    check (item_kind in ('instant', 'promised')),
    joint           boolean not null,
    limit_days      integer check (limit_days >= 0),
    applicant_id    {id}    not null references applicant (id),
    account_id      {id}    references account (id),
    booking_id      {id}    unique references booking (id),
    window_id       {id}    references post (id),
    first_asked_id  {id}    references staff (id),
    post_id         {id}    references post (id),
    channel         text    not null check (channel in
        ('window', 'mini_program', 'web', 'phone', 'home_visit', 'agent')),
    state           text    not null check (state in
        ('received', 'supplement', 'accepted', 'suspended', 'refused', 'granted', 'denied', 'issued', 'withdrawn', 'void')),
    received_at     bigint  not null,
    accepted_on     date,
    due_on          date,
    due_provisional boolean not null,
    added_days      integer not null check (added_days >= 0),
    suspended_on    date,
    extended_on     date,
    hearing_until   date,
    decided_on      date,
    ended_at        bigint,
    unique (centre_id, number),
    unique (centre_id, receipt_number),
    check ((limit_days is null) = (due_on is null)),
    check ((state = 'suspended') = (suspended_on is not null)),
    check ((state in ('refused', 'denied', 'issued', 'withdrawn', 'void')) = (ended_at is not null))
);
create index case_recent on service_case (centre_id, received_at, id);
create index case_state on service_case (centre_id, state, received_at, id);
create index case_office on service_case (centre_id, office_id, received_at, id);
create index case_account on service_case (account_id, received_at, id) where account_id is not null;
create index case_applicant on service_case (applicant_id);
create index case_ended on service_case (centre_id, ended_at) where ended_at is not null;
create index case_post on service_case (centre_id, post_id, received_at, id) where post_id is not null;
create index case_joint on service_case (centre_id) where joint and ended_at is null;
create index case_due on service_case (centre_id, due_on, id) where state in ('received', 'accepted');
create table case_event (
    id          {id}   primary key,
    centre_id   {id}   not null references centre (id),
    case_id     {id}   not null references service_case (id),
    kind        text   not null check (kind in ('received', 'accepted', 'refused', 'granted', 'denied', 'issued',
        'withdrawn', 'corrected', 'redated', 'supplement', 'supplement_corrected', 'supplemented', 'deemed_accepted',
        'suspended', 'resumed', 'extended', 'hearing_told', 'hearing_waived', 'step_finished', 'void', 'amended',
        'material_settled')),
    state       text   not null,
    step        integer check (step > 0),
    amends_id   {id}   references case_event (id),
    at          bigint not null,
    recorded_at bigint not null,
    on_date     date   not null,
    actor_kind  text   not null check (actor_kind in ('system', 'operator', 'resident', 'staff', 'bearer')),
    actor       text   not null,
    post_id     {id}   references post (id),
    letter      text   check (letter in ('a', 'b', 'substitute')),
    of_id       {id}   references staff (id),
    delegation_id {id} references delegation (id),
    due_on      date,
    decided_on  date,
    words       {bytes},
    fields      text,
    handing       text    check (handing in ('counter', 'sent')),
    check ((post_id is null) = (letter is null) and (post_id is null) = (of_id is null)),
    check ((kind = 'step_finished') = (step is not null) and (kind = 'amended') = (amends_id is not null))
);
create unique index case_event_amends on case_event (amends_id) where amends_id is not null;
create index case_event_of on case_event (case_id, at, id);
create index case_event_day on case_event (centre_id, on_date, kind);
create index case_event_due on case_event (centre_id, due_on) where due_on is not null;
create table document (
    id         {id}    primary key,
    centre_id  {id}    not null references centre (id),
    case_id    {id}    not null references service_case (id),
    event_id   {id}    not null references case_event (id),
    kind       text    not null check (kind in
        ('receipt', 'supplement', 'acceptance', 'refusal', 'procedure', 'extension', 'decision', 'pick_up', 'delivery')),
    year       integer not null,
    n          integer not null check (n > 0),
    number     text    not null,
    code       {bytes} not null,
    code_blind {bytes} not null,
    data       {bytes} not null,
    issued_at  bigint  not null,
    void_id    {id}    references case_event (id),
    template   text,
    file_id    {id}    references file (id),
    made_at    bigint,
    unique (centre_id, kind, year, n),
    check ((file_id is null) = (made_at is null)),
    check ((file_id is null) = (template is null))
);
create index document_case on document (case_id);
create index document_event on document (event_id);
create unique index document_code on document (code_blind);
create index document_unmade on document (centre_id, issued_at) where file_id is null;
-- Each case goes through the steps of its version, and the last is its decision; who is charged with a late one is written down then.
create table case_step (
    id          {id}    primary key,
    centre_id   {id}    not null references centre (id),
    case_id     {id}    not null references service_case (id),
    n           integer not null check (n > 0),
    stage       integer not null check (stage > 0),
    name        text    not null,
    kind        text    not null check (kind in ('handle', 'review', 'report', 'decide')),
    post_id     {id}    references post (id),
    limit_days  integer check (limit_days > 0),
    begun_on    date,
    due_on      date,
    finished_at bigint,
    closed_at   bigint,
    charged_on  date,
    charged_id  {id}    references staff (id),
    unique (case_id, n),
    check (finished_at is null or (begun_on is not null and closed_at is not null)),
    check ((charged_on is null) = (charged_id is null))
);
create index case_step_due on case_step (centre_id, due_on) where closed_at is null and begun_on is not null;
-- 否定报备: whatever was refused or denied is filed, and the director looks at it.
create table negative (
    id        {id}   primary key,
    centre_id {id}   not null references centre (id),
    case_id   {id}   not null references service_case (id),
    event_id  {id}   not null unique references case_event (id),
    cause     text   not null check (cause in ('not_needed', 'not_ours', 'incomplete', 'unqualified')),
    basis     text   not null,
    elsewhere text,
    filed_at  bigint not null,
    filed_by  {id}   not null references staff (id),
    seen_at   bigint,
    seen_by   {id}   references staff (id),
    upheld    boolean,
    words     {bytes},
    check ((seen_at is null) = (seen_by is null) and (seen_at is null) = (upheld is null)),
    check (cause <> 'not_ours' or elsewhere is not null)
);
create index negative_of on negative (case_id);
create index negative_open on negative (centre_id, filed_at) where seen_at is null;
-- What a case cost its applicant.
create table trip (
    id          {id}   primary key,
    centre_id   {id}   not null references centre (id),
    case_id     {id}   not null references service_case (id),
    cause       text   not null check (cause in ('counter', 'supplement', 'pick_up')),
    at          bigint not null,
    recorded_at bigint not null,
    on_date     date   not null
);
create index trip_of on trip (case_id);
-- A case is asked once for what is missing; an error in that is put right by the next row.
create table supplement (
    id        {id}    primary key,
    centre_id {id}    not null references centre (id),
    case_id   {id}    not null references service_case (id),
    n         integer not null check (n > 0),
    wanted    {bytes} not null,
    until     date    not null,
    why       {bytes},
    asked_at  bigint  not null,
    asked_by  {id}    not null references staff (id),
    unique (case_id, n),
    check ((n = 1) = (why is null))
);
create table material (
    id         {id}    primary key,
    centre_id  {id}    not null references centre (id),
    case_id    {id}    not null references service_case (id),
    n          integer not null check (n > 0),
    name       text    not null,
    form       text    not null check (form in ('original', 'copy', 'electronic')),
    copies     integer not null check (copies > 0),
    standing   text    not null check (standing in ('given', 'promised', 'follows', 'reused')),
    file_id    {id}    references file (id),
    reused_id  {id}    references material (id),
    due_on     date,
    settled_at bigint,
    kept       boolean,
    late_on    date,
    unique (case_id, n),
    check ((standing in ('promised', 'follows')) = (due_on is not null)),
    check ((standing = 'reused') = (reused_id is not null)),
    check (settled_at is null or due_on is not null),
    check ((kept is not null) = (standing = 'promised' and settled_at is not null))
);
create index material_owed on material (centre_id, due_on) where due_on is not null and settled_at is null;
create index material_file on material (file_id) where file_id is not null;
create table case_agent (
    case_id       {id} primary key references service_case (id),
    centre_id     {id} not null references centre (id),
    person_id     {id} not null references applicant (id),
    kind          text not null check (kind in ('kin', 'village', 'other')),
    authorised_on date not null,
    file_id       {id} references file (id)
);

create table custody (
    id          {id}    primary key,
    centre_id   {id}    not null references centre (id),
    case_id     {id}    not null references service_case (id),
    material_id {id}    references material (id),
    post_id     {id}    references post (id),
    staff_id    {id}    not null references staff (id),
    signed_by   {bytes},
    at          bigint  not null,
    recorded_at bigint  not null,
    lead_on     date,
    check ((post_id is null) = (signed_by is not null))
);
create index custody_of on custody (case_id, at, id);

-- 督办: what the first responsible person sees to, one order at a time over a case.
create table supervision_order (
    id          {id}    primary key,
    centre_id   {id}    not null references centre (id),
    case_id     {id}    not null references service_case (id),
    words       {bytes} not null,
    due_on      date    not null,
    post_id     {id}    references post (id),
    given_at    bigint  not null,
    given_by    {id}    not null references staff (id),
    answered_at bigint,
    answered_by {id}    references staff (id),
    answer      {bytes},
    closed_at   bigint,
    closed_by   {id}    references staff (id),
    check ((answered_at is null) = (answer is null) and (answered_at is null) = (answered_by is null)),
    check ((closed_at is null) = (closed_by is null))
);
create unique index supervision_order_open on supervision_order (case_id) where closed_at is null;
create index supervision_order_late on supervision_order (centre_id, due_on) where answered_at is null and closed_at is null;
create index supervision_order_recent on supervision_order (centre_id, given_at, id);
-- Seals, and what they were put on under which letter.
create table seal (
    id          {id}   primary key,
    centre_id   {id}   not null references centre (id),
    name        text   not null,
    office_id   {id}   references office (id),
    post_id     {id}   not null references post (id),
    valid_from  date   not null,
    valid_until date,
    recorded_at bigint not null,
    recorded_by {id}   not null references staff (id)
);
create unique index seal_now on seal (centre_id, name) where valid_until is null;
create table seal_use (
    id            {id}   primary key,
    centre_id     {id}   not null references centre (id),
    seal_id       {id}   not null references seal (id),
    document_id   {id}   not null references document (id),
    at            bigint not null,
    staff_id      {id}   not null references staff (id),
    post_id       {id}   not null references post (id),
    letter        text   not null check (letter in ('a', 'b', 'substitute')),
    of_id         {id}   not null references staff (id),
    delegation_id {id}   not null references delegation (id),
    unique (document_id, seal_id)
);

-- Reviews.
create table invitation (
    id          {id}    primary key,
    centre_id   {id}    not null references centre (id),
    case_id     {id}    not null references service_case (id),
    service_no  integer not null check (service_no > 0),
    generation  integer not null check (generation > 0),
    key_id      text    not null,
    token_hash  {bytes} not null unique,
    code        {bytes} not null,
    code_blind  {bytes} not null,
    phone       {bytes},
    phone_blind {bytes},
    tag         text,
    comment     {bytes},
    picture     {bytes},
    state       text    not null check (state in ('open', 'rated', 'lapsed')),
    made_at     bigint  not null,
    recorded_at bigint  not null,
    on_date     date    not null,
    expires_at  bigint  not null,
    closed_at   bigint,
    unique (case_id, service_no),
    check ((state = 'open') = (closed_at is null)),
    check ((phone is null) = (phone_blind is null)),
    check (tag is null or phone is not null)
);
create unique index invitation_tag on invitation (centre_id, phone_blind, tag) where state = 'open';
create unique index invitation_code on invitation (centre_id, code_blind) where state = 'open';
create index invitation_phone on invitation (phone_blind, made_at) where phone_blind is not null;
create index invitation_open on invitation (expires_at) where state = 'open';
create index invitation_day on invitation (centre_id, on_date);
create table review (
    id            {id}    primary key,
    centre_id     {id}    not null references centre (id),
    invitation_id {id}    not null references invitation (id),
    case_id       {id}    not null references service_case (id),
    service_no    integer not null,
    ordinal       text    not null check (ordinal in ('first', 'append')),
    grade         integer check (grade between 1 and 5),
    tags          text    not null,
    comment       {bytes},
    anonymous     boolean not null,
    checked       text    check (checked in ('pass', 'review', 'risky')),
    channel       text    not null check (channel in ('link', 'code', 'sms', 'device')),
    at            bigint  not null,
    recorded_at   bigint  not null,
    on_date       date    not null,
    unique (case_id, service_no, ordinal),
    check (ordinal = 'append' or grade is not null)
);
create table rectification (
    id            {id}   primary key,
    centre_id     {id}   not null references centre (id),
    invitation_id {id}   not null unique references invitation (id),
    review_id     {id}   not null references review (id),
    case_id       {id}   not null references service_case (id),
    office_id     {id}   not null references office (id),
    opened_at     bigint not null
);
create index rectification_recent on rectification (centre_id, opened_at);

create table review_upload (
    review_id {id}   primary key references review (id),
    centre_id {id}   not null references centre (id),
    state     text   not null check (state in ('waits', 'due', 'claimed', 'done', 'refused')),
    batch     text,
    reason    text,
    at        bigint not null
);
create index review_upload_open on review_upload (centre_id, state, at) where state <> 'done';
create index review_day on review (centre_id, on_date);
create index review_invitation on review (invitation_id);

-- Bulletins.
create table bulletin (
    id         {id}   primary key,
    centre_id  {id}   not null references centre (id),
    period     text   not null,
    state      text   not null check (state in ('draft', 'signed')),
    frozen_at  bigint not null,
    body       text   not null,
    sha256     text   not null,
    drafted_by text   not null,
    signed_by  {id}   references staff (id),
    signed_at  bigint,
    unique (centre_id, period),
    check ((state = 'signed') = (signed_by is not null and signed_at is not null))
);
