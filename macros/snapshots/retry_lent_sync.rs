fn save(conn: &mut Conn, id: u64) -> Result<(), Error> {
    static __POLICY: ::fastness::__private::resilience::retry::Retry =
        ::fastness::__private::resilience::retry::Retry::new(
            ::core::concat!(::core::module_path!(), "::", "save"),
            ::fastness::__private::resilience::retry::Settings::new(),
        );
    ::fastness::__private::register_policy!(Retry ::core::concat!(::core::module_path!(), "::", "save"));
    let mut __attempts = ::fastness::__private::attempts(&__POLICY);
    loop {
        #[allow(unused_variables, clippy::used_underscore_binding, clippy::no_effect_underscore_binding)]
        let mut conn = &mut *conn;
        #[allow(unused_variables)]
        let id = ::core::clone::Clone::clone(&id);
        let __ended = __attempts.run_sync(|| -> Result<(), Error> { { conn.put(id) } });
        if let ::core::option::Option::Some(__ended) = __attempts.end_sync(__ended, |_| true) {
            break __ended;
        }
    }
}
