async fn save(&mut self, conn: &mut Conn, id: u64, name: &str) -> Result<(), Error> {
    static __POLICY: ::fastness::__private::resilience::retry::Retry =
        ::fastness::__private::resilience::retry::Retry::new(
            ::core::concat!(::core::module_path!(), "::", "save"),
            ::fastness::__private::resilience::retry::Settings::new(),
        );
    ::fastness::__private::register_policy!(Retry ::core::concat!(::core::module_path!(), "::", "save"));
    let mut __attempts = ::fastness::__private::attempts(&__POLICY);
    loop {
        let __self = &mut *self;
        #[allow(unused_variables, clippy::used_underscore_binding, clippy::no_effect_underscore_binding)]
        let conn = &mut *conn;
        #[allow(unused_variables)]
        let id = ::core::clone::Clone::clone(&id);
        let __ended = __attempts
            .run(async {
                if let ::core::option::Option::Some(__value) = ::core::option::Option::None::<Result<(), Error>> {
                    return __value;
                }
                { __self.put(conn, id, name).await }
            })
            .await;
        if let ::core::option::Option::Some(__ended) =
            __attempts.end(__ended, ::fastness::__private::of_error::<Result<(), Error>, _, _>(|e| e.is_busy())).await
        {
            break __ended;
        }
    }
}
