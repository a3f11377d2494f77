fn get(id: u64) -> u64 {
    let __load = match {
        #[allow(unused_imports)]
        use ::fastness::__private::prelude::*;
        static __SITE: __fastness_Site = __fastness_Site::new(
            __fastness_Cacheable,
            "get",
            ::core::module_path!(),
            "get:<path>:{id}",
            &[__fastness_Lit("get:"), __fastness_Path, __fastness_Lit(":"), __fastness_Placeholder(0)],
        );
        :: fastness :: __private :: register ! (site __SITE);
        let __instance = __fastness_instance(|| ());
        let __shape = (&&&&&__fastness_returns::<u64>()).__shape();
        let __key = (__fastness_NoNamespace, (&__fastness_Arg(&id)).__part());
        let __call = __fastness_Call::new(__instance, __shape, &__key);
        if let ::core::option::Option::Some(__hit) = __SITE.hit(__fastness_None, __call) {
            return __hit;
        }
        __SITE.begin_sync(
            __fastness_None,
            __call,
            &[],
            ::fastness::__private::policy(__shape, ::core::time::Duration::from_millis(300000u64))
                .with_previous()
                .grace(::core::time::Duration::from_millis(3600000u64)),
        )
    } {
        ::core::result::Result::Ok(__out) => return __out,
        ::core::result::Result::Err(__load) => __load,
    };
    let (__load, __previous) = __load.with_previous();
    let old = {
        #[allow(unused_imports)]
        use ::fastness::__private::prelude::*;
        __previous.take((&&&&&__fastness_returns::<u64>()).__shape())
    };
    let __out: u64 = { old.unwrap_or(id) };
    #[allow(unreachable_code)]
    return ::fastness::__private::end_sync(__load, __out);
}
