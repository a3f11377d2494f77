fn get<'life0, 'async_trait>(
    &'life0 self,
    id: u64,
) -> ::core::pin::Pin<Box<dyn ::core::future::Future<Output = Option<User>> + ::core::marker::Send + 'async_trait>>
where
    'life0: 'async_trait,
    Self: 'async_trait,
{
    ::std::boxed::Box::pin(async move {
        let __miss = {
            #[allow(unused_imports)]
            use ::fastness::__private::prelude::*;
            static __SITE: __fastness_Site = __fastness_Site::new(
                __fastness_Cacheable,
                "get",
                ::core::module_path!(),
                "get:<path>:{id}",
                &[__fastness_Lit("get:"), __fastness_Path, __fastness_Lit(":"), __fastness_Placeholder(0)],
            )
            .receiver(::fastness::__private::Receiver::ByType);
            :: fastness :: __private :: register ! (site __SITE);
            let __instance = __fastness_instance_of_method::<_, fn(*const Self)>(|| ());
            let __shape = (&&&&&__fastness_returns::<Option<User>>()).__shape();
            let __key = ((&__fastness_Arg(&*self)).__namespace(), (&__fastness_Arg(&id)).__part());
            let __call = __fastness_Call::new(__instance, __shape, &__key);
            if let ::core::option::Option::Some(__hit) = __SITE.hit(__fastness_None, __call) {
                return __hit;
            }
            __SITE.miss(
                __fastness_None,
                __call,
                &[],
                ::fastness::__private::policy(__shape, ::core::time::Duration::from_millis(300000u64))
                    .wire((&&__fastness_Wired(__shape, ())).__wire()),
            )
        };
        ::fastness::__private::load(__miss, async move {
            if let ::core::option::Option::Some(__value) = ::core::option::Option::None::<Option<User>> {
                return __value;
            }
            ({ Box::pin(async move { None }) }).await
        })
        .await
    })
}
