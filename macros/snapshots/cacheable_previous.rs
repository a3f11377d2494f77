async fn get(&self, name: &str) -> Result<u64, Error> {
    let __miss = {
        #[allow(unused_imports)]
        use ::fastness::__private::prelude::*;
        static __SITE: __fastness_Site = __fastness_Site::new(
            __fastness_Cacheable,
            "get",
            ::core::module_path!(),
            "get:<path>:{name}",
            &[__fastness_Lit("get:"), __fastness_Path, __fastness_Lit(":"), __fastness_Placeholder(0)],
        )
        .receiver(::fastness::__private::Receiver::ByType);
        :: fastness :: __private :: register ! (site __SITE);
        let __instance = __fastness_instance_of_method::<_, fn(*const Self)>(|| ());
        let __shape = (&&&&&__fastness_returns::<Result<u64, Error>>()).__shape();
        let __key = ((&__fastness_Arg(&*self)).__namespace(), (&__fastness_Arg(name)).__part());
        let __call = __fastness_Call::new(__instance, __shape, &__key);
        if let ::core::option::Option::Some(__hit) = __SITE.hit(__fastness_None, __call) {
            return __hit;
        }
        __SITE.miss(
            __fastness_None,
            __call,
            &[],
            ::fastness::__private::policy(__shape, ::core::time::Duration::from_millis(300000u64))
                .with_previous()
                .grace(::core::time::Duration::from_millis(3600000u64))
                .wire((&&__fastness_Wired(__shape, ())).__wire()),
        )
    };
    let (__miss, __previous) = __miss.with_previous();
    ::fastness::__private::load(__miss, async move {
        let old = {
            #[allow(unused_imports)]
            use ::fastness::__private::prelude::*;
            __previous.take((&&&&&__fastness_returns::<Result<u64, Error>>()).__shape())
        };
        if let ::core::option::Option::Some(__value) = ::core::option::Option::None::<Result<u64, Error>> {
            return __value;
        }
        { self.load(name, old).await }
    })
    .await
}
