#[doc = " Docs."]
#[inline]
fn square(x: u64) -> u64 {
    let __load = match {
        #[allow(unused_imports)]
        use ::fastness::__private::prelude::*;
        static __SITE: __fastness_Site = __fastness_Site::new(
            __fastness_Cacheable,
            "square",
            ::core::module_path!(),
            "squares:<path>:{x}",
            &[__fastness_Lit("squares:"), __fastness_Path, __fastness_Lit(":"), __fastness_Placeholder(0)],
        );
        :: fastness :: __private :: register ! (site __SITE);
        let __instance = __fastness_instance(|| ());
        let __shape = (&&&&&__fastness_returns::<u64>()).__shape();
        let __key = (__fastness_NoNamespace, (&__fastness_Arg(&x)).__part());
        let __call = __fastness_Call::new(__instance, __shape, &__key);
        __SITE.serve_sync(__fastness_None, __call, 300000u64)
    } {
        ::core::result::Result::Ok(__out) => return __out,
        ::core::result::Result::Err(__load) => __load,
    };
    let __out: u64 = { x * x };
    #[allow(unreachable_code)]
    return ::fastness::__private::end_sync(__load, __out);
}
