async fn get_user(id: u64) -> Result<User, Error> {
    let __miss = {
        #[allow(unused_imports)]
        use ::fastness::__private::prelude::*;
        static __SITE: __fastness_Site = __fastness_Site::new(
            __fastness_Cacheable,
            "get_user",
            ::core::module_path!(),
            "user:{id}",
            &[__fastness_Lit("user:"), __fastness_Placeholder(0)],
        )
        .tags(&["users", "team:{id}"]);
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
            &[::fastness::__private::tag(&[__fastness_Lit("users")], &(__fastness_NoNamespace,))],
            ::fastness::__private::policy(__shape, ::core::time::Duration::from_millis(60000u64))
                .tags_by(|__stored, __site| ::fastness::__private::stated_tags(__stored, __site, |user| user.teams()))
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
