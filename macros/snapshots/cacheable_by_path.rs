async fn get_user(id: u64) -> Result<User, Error> {
    let __miss = {
        #[allow(unused_imports)]
        use ::fastness::__private::prelude::*;
        static __SITE: __fastness_Site = __fastness_Site::new(
            __fastness_Cacheable,
            "get_user",
            ::core::module_path!(),
            "user:<path>:{id}",
            &[__fastness_Lit("user:"), __fastness_Path, __fastness_Lit(":"), __fastness_Placeholder(0)],
        )
        .settable(&["ttl", "err_ttl"]);
        :: fastness :: __private :: register ! (site __SITE);
        let __instance = __fastness_instance(|| ());
        let __shape = (&&&&&__fastness_returns::<Result<User, Error>>()).__shape();
        let __key = (__fastness_NoNamespace, (&__fastness_Arg(&id)).__part());
        let __call = __fastness_Call::new(__instance, __shape, &__key);
        if let ::core::option::Option::Some(__hit) = __SITE.hit(__fastness_None, __call) {
            return __hit;
        }
        __SITE.miss(
            __fastness_None,
            __call,
            &[],
            ::fastness::__private::policy(__shape, ::core::time::Duration::MAX)
                .ttl_from(&self::lifetime, |__stored| ::fastness::__private::ttl_of(&self::lifetime, __stored))
                .cache_err(Error::is_absent)
                .err_ttl_from(&SECOND, |__stored| ::fastness::__private::ttl_of(&SECOND, __stored))
                .wire((&&__fastness_Wired(__shape, ())).__wire()),
        )
    };
    ::fastness::__private::load(__miss, async move {
        if let ::core::option::Option::Some(__value) = ::core::option::Option::None::<Result<User, Error>> {
            return __value;
        }
        { load(id).await }
    })
    .await
}
