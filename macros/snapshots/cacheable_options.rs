pub async fn search(&self, user: &User, filter: Filter, name: &str, page: u32) -> Result<Vec<User>, Error> {
    let __condition: bool = page == 0;
    let __miss = {
        #[allow(unused_imports)]
        use my::fastness::__private::prelude::*;
        static __SITE: __fastness_Site = __fastness_Site::new(
            __fastness_Cacheable,
            "search",
            ::core::module_path!(),
            "user:{self.tenant}:{user.id}:{filter:hash}:{name:lower}",
            &[
                __fastness_Lit("user:"),
                __fastness_Placeholder(0),
                __fastness_Lit(":"),
                __fastness_Placeholder(1),
                __fastness_Lit(":"),
                __fastness_Placeholder(2),
                __fastness_Lit(":"),
                __fastness_Placeholder(3),
            ],
        )
        .tags(&["t:{user.id}"])
        .receiver(my::fastness::__private::Receiver::InKey)
        .capacity(100usize)
        .max_bytes(67108864usize)
        .settable(&["ttl", "idle", "negative_ttl", "err_ttl", "stale", "stale_if_error", "load_timeout"]);
        my :: fastness :: __private :: register ! (site __SITE);
        let __instance = __fastness_instance_of_method::<_, fn(*const Self)>(|| ());
        let __shape = (&&&&&__fastness_returns::<Result<Vec<User>, Error>>()).__shape().sharing();
        if __condition {
            let __on = &self.cache;
            let __key = (
                __fastness_NoNamespace,
                (&__fastness_Arg(&self.tenant)).__part(),
                (&__fastness_Arg(&user.id)).__part(),
                my::fastness::__private::digest(&filter),
                my::fastness::__private::lower(name),
            );
            let __call = __fastness_Call::new(__instance, __shape, &__key);
            if let ::core::option::Option::Some(__hit) = __SITE.hit(::core::option::Option::Some(__on), __call) {
                return __hit;
            }
            __SITE.miss(
                ::core::option::Option::Some(__on),
                __call,
                &[my::fastness::__private::tag(
                    &[__fastness_Lit("t:"), __fastness_Placeholder(0)],
                    &(__fastness_NoNamespace, (&__fastness_Arg(&user.id)).__part()),
                )],
                my::fastness::__private::policy(__shape, ::core::time::Duration::from_millis(300000u64))
                    .jitter(0.05f64)
                    .idle(::core::time::Duration::from_millis(600000u64))
                    .negative_ttl(::core::time::Duration::from_millis(5000u64))
                    .unless(|v| v.is_empty())
                    .cache_err(Error::is_absent)
                    .stale(::core::time::Duration::from_millis(3600000u64))
                    .stale_if_error(::core::time::Duration::from_millis(86400000u64))
                    .no_early()
                    .no_single_flight()
                    .share_error(share)
                    .load_timeout({ LIMIT })
                    .weigh(Vec::len)
                    .err_ttl(::core::time::Duration::from_millis(1000u64))
                    .wire((&&__fastness_Wired(__shape, ())).__wire()),
            )
        } else {
            let __on = &self.cache;
            __SITE.bypass(::core::option::Option::Some(__on), __instance, __shape, || {
                (
                    __fastness_NoNamespace,
                    (&__fastness_Arg(&self.tenant)).__part(),
                    (&__fastness_Arg(&user.id)).__part(),
                    my::fastness::__private::digest(&filter),
                    my::fastness::__private::lower(name),
                )
            })
        }
    };
    my::fastness::__private::load(__miss, async move {
        if let ::core::option::Option::Some(__value) = ::core::option::Option::None::<Result<Vec<User>, Error>> {
            return __value;
        }
        { body() }
    })
    .await
}
